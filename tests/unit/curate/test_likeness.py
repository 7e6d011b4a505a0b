"""When a recorded message and its echo are the same: the table, and what holds for any message."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.likeness import Face, Faces, alike
from headrace.lake.message import Body, Message
from tests.unit.curate.conftest import result, said, system, user

F, G = ("1", "f", '{"a": 1}'), ("2", "g", "{}")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
OTHER_IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


def parts(*given: Any) -> Body:
    return {"role": "user", "content": list(given)}


def nameless(name: str, arguments: str) -> tuple[str, str, str]:
    return "", name, arguments


def both(recorded: Body, echo: Body) -> tuple[bool, bool]:
    a, b = Face.of(recorded), Face.of(echo)
    return alike(a, b), alike(b, a)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        # roles
        (user("a"), system("a"), False),
        (user("a"), said("a"), False),
        # user and system: text after CRLF and strip, and the number of media parts
        (user("a\r\nb"), user(" a\nb\n"), True),
        (user("a\nb"), user("a b"), False),
        (user("a"), user("A"), False),
        (user(""), user("  "), True),
        (user(""), user("a"), False),
        (parts({"type": "text", "text": "a"}), user("a"), True),
        (parts({"type": "text", "text": "a"}, IMAGE), user("a"), False),
        (parts({"type": "text", "text": "a"}, IMAGE),
         parts(OTHER_IMAGE, {"type": "text", "text": "a"}), True),
        (parts(IMAGE), parts(IMAGE, IMAGE), False),
        (user("a"), {**user("a"), "name": "ann"}, True),
        # assistant without calls: texts
        (said(None), said(""), True),
        (said("a"), said("a\r\n"), True),
        (said("a"), said(""), False),
        (said("a"), {**said("a"), "reasoning_content": "hm"}, True),
        (said("a"), {**said("a"), "finish_reason": "length"}, True),
        # assistant with calls: paired by id, one text may be lost
        (said("a", F), said(None, F), True),
        (said("a", F), said("b", F), False),
        (said("a", F, G), said("a", G, F), True),
        (said(None, F), said(None, F, G), False),
        (said(None, F), said(None, G), False),
        (said(None, F), said(None, ("1", "g", '{"a": 1}')), False),
        (said(None, F), said(None, ("1", "f", '{"a": 2}')), True),
        (said(None, F), said(None, ("9", "f", '{"a": 1}')), False),
        # without an id: names and parsed arguments
        (said(None, F), said(None, nameless("f", '{ "a":1 }')), True),
        (said(None, F), said(None, nameless("f", '{"a":2}')), False),
        (said(None, nameless("f", "not json")), said(None, nameless("f", " not json ")), True),
        (said(None, nameless("f", '{"b":1,"a":2}')), said(None, nameless("f", '{"a":2,"b":1}')),
         True),
        (said(None, nameless("f", "{}"), nameless("f", "{}")), said(None, nameless("f", "{}")),
         False),
        # tool: ids equal or one missing, contents JSON-equal or one side empty
        (result("1", "a"), result("1", "a"), True),
        (result("1", "a"), result("2", "a"), False),
        (result("1", "a"), result("", "a"), True),
        (result("1", "a"), {"role": "tool", "content": "a"}, True),
        (result("1", "a"), result("1", "b"), False),
        (result("1", "a"), result("1", ""), True),
        (result("1", '{"a": 1, "b": [2]}'), result("1", '{"b":[2],"a":1}'), True),
        (result("1", '{"a": 1}'), result("1", '{"a": "1"}'), False),
        (result("1", "[1, 2]"), result("1", "[2, 1]"), False),
        (result("1", "[" * 100_000), result("1", "[" * 99_999), False),
    ],
)  # fmt: skip
def test_likeness_is_a_table_read_from_either_side(one: Body, other: Body, equal: bool) -> None:
    assert both(one, other) == (equal, equal)


@pytest.mark.parametrize(
    ("recorded", "echo", "equal"),
    [
        (said(None), said(None, F), True),
        (said("a"), said("a", F), True),
        (said(""), said("a", F), True),
        (said("a"), said("b", F), False),
        (said("a"), said(None, F), False),
        (said(None), said("a"), False),
    ],
)
def test_a_record_may_lack_calls_that_its_echo_has_and_never_the_other_way(
    recorded: Body, echo: Body, equal: bool
) -> None:
    assert alike(Face.of(recorded), Face.of(echo)) is equal
    assert not alike(Face.of(echo), Face.of(recorded))


def test_calls_with_and_without_ids_find_their_pairs_in_any_order() -> None:
    one, two, none = ("1", "f", "{}"), ("2", "f", "{}"), nameless("f", "{}")
    for recorded in ((none, one), (one, none)):
        for echo in ((one, two), (two, one)):
            assert both(said(None, *recorded), said(None, *echo)) == (True, True)


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "2", "3"]),
        st.sampled_from("fg"),
        st.sampled_from(["{}", '{"a":1,"b":2}', '{"b": 2, "a": 1}', "no json"]),
    ),
    max_size=3,
    unique_by=lambda call: call[0] or object(),
)
TEXTS = st.sampled_from([None, "", "a", " a\r\n", "b", '{"x": 1}', '{"x":1}'])
BODIES: st.SearchStrategy[Body] = st.one_of(
    st.builds(lambda text, calls: said(text, *calls), TEXTS, CALLS),
    st.builds(result, st.sampled_from(["", "1", "2"]), TEXTS.map(lambda text: text or "")),
    st.builds(user, TEXTS.map(lambda text: text or "")),
    st.builds(system, TEXTS.map(lambda text: text or "")),
    st.lists(st.sampled_from([IMAGE, OTHER_IMAGE, {"type": "text", "text": "a"}])).map(
        lambda given: parts(*given)
    ),
)
OFTEN = settings(max_examples=150, deadline=None)


@OFTEN
@given(BODIES)
def test_any_message_is_like_itself(body: Body) -> None:
    assert both(body, body) == (True, True)


@OFTEN
@given(BODIES, BODIES)
def test_only_lost_calls_make_a_difference_which_side_was_recorded(one: Body, other: Body) -> None:
    forth, back = both(one, other)
    lacking = bool(one.get("tool_calls")) != bool(other.get("tool_calls"))
    assert forth == back or lacking


@OFTEN
@given(BODIES, BODIES)
def test_the_coarse_key_of_messages_that_are_alike_is_one(one: Body, other: Body) -> None:
    """A missed key would be a missed link; only a full comparison may say no."""
    if any(both(one, other)):
        assert Face.of(one).coarse == Face.of(other).coarse


@OFTEN
@given(BODIES, st.randoms())
def test_the_order_of_parallel_calls_does_not_count(body: Body, rng: Any) -> None:
    calls = list(body.get("tool_calls", ()))
    rng.shuffle(calls)
    turned = {**body, "tool_calls": calls} if calls else body
    assert both(body, turned) == (True, True)


@OFTEN
@given(BODIES)
def test_what_never_counts_can_be_added(body: Body) -> None:
    more = {**body, "reasoning_content": "hm", "name": "n", "finish_reason": "stop"}
    assert both(body, more) == (True, True)


def faces(*bodies: Body) -> tuple[Faces, list[str]]:
    made = [Message.of(body) for body in bodies]
    known = {message.hash: body for message, body in zip(made, bodies, strict=True)}
    return Faces(known), [message.hash for message in made]


@settings(max_examples=50, deadline=None)
@given(st.lists(BODIES, max_size=5), st.lists(BODIES, max_size=5))
def test_histories_are_alike_one_by_one_and_of_one_length(
    one: list[Body], other: list[Body]
) -> None:
    known, names = faces(*one, *other)
    left, right = names[: len(one)], names[len(one) :]
    pairs = zip(one, other, strict=False)
    wanted = len(one) == len(other) and all(both(a, b)[0] for a, b in pairs)
    assert known.alike(left, right) == wanted
    if wanted and left:
        assert known.chain(left)[-1][1] == known.chain(right)[-1][1]


@settings(max_examples=50, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=6), st.integers(1, 6))
def test_the_mark_of_a_prefix_does_not_know_what_follows(bodies: list[Body], end: int) -> None:
    known, names = faces(*bodies)
    assert known.chain(names)[:end] == known.chain(names[:end])
