"""Ids of calls and results, with ids missing on either side in any mixture."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import calls, orphan
from headrace.exporters.identity import identified
from headrace.lake.message import Body

USER: Body = {"role": "user", "content": "hi"}
DONE: Body = {"role": "assistant", "content": "done"}
# Ids like those that are made are among them: a trace may have any.
IDS = st.sampled_from([None, "", "a", "b", "call_1_0", "call_1_1", "call_2_0"])
GIVEN = st.sampled_from(["a", "b", "c", "d", "call_1_1"])


def ask(*ids: str | None) -> Body:
    function = {"name": "f", "arguments": "{}"}
    made = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": "So:", "tool_calls": made}


def result(id: str | None, content: str = "") -> Body:
    """A result; a key without a value is absent in a canonical row."""
    named = {} if id is None else {"tool_call_id": id}
    return {"role": "tool", "content": content, **named}


@st.composite
def talks(draw: st.DrawFn, ids: st.SearchStrategy[str | None] = IDS) -> list[Body]:
    """Calls and as many results, of which some may answer none of them."""
    made: list[Body] = [USER]
    for _ in range(draw(st.integers(1, 3))):
        asked = draw(st.lists(ids, max_size=3))
        made += [ask(*asked) if asked else DONE, *(result(draw(ids)) for _ in asked)]
    return [*made, draw(st.sampled_from([DONE, USER, ask(draw(ids), None)]))]


def answers(messages: Sequence[Body]) -> list[tuple[int, int] | None]:
    """Of each result the call that it answers, by message and number, as `orphan` takes them."""
    found: list[tuple[int, int] | None] = []
    waiting: list[tuple[int, int]] = []
    ids: dict[tuple[int, int], str | None] = {}
    for at, message in enumerate(messages):
        if message["role"] != "tool":
            ids = {(at, n): call["id"] or None for n, call in enumerate(calls([message]))}
            waiting = [*ids]
            continue
        name = message.get("tool_call_id") or None
        same = [place for place in waiting if ids[place] == name]
        bare = waiting if name is None else [place for place in waiting if ids[place] is None]
        taken = next(iter([*same, *bare]), None)
        found.append(taken)
        waiting = [place for place in waiting if place != taken]
    return found


def without_ids(messages: Sequence[Body]) -> list[Body]:
    return [
        {
            **{key: value for key, value in message.items() if key != "tool_call_id"},
            "tool_calls": [{**call, "id": None} for call in calls([message])],
        }
        for message in messages
    ]


@settings(max_examples=200, deadline=None)
@given(messages=talks())
def test_results_answer_the_calls_that_they_answered(messages: list[Body]) -> None:
    made = identified(messages)
    assert answers(made) == answers(messages)
    assert (orphan(made) is None) == (orphan(messages) is None)


@settings(max_examples=200, deadline=None)
@given(messages=talks())
def test_every_call_and_every_answer_has_an_id_and_nothing_else_changes(
    messages: list[Body],
) -> None:
    made = identified(messages)
    assert all(call["id"] for call in calls(made))
    results = [message for message in made if message["role"] == "tool"]
    told = zip(results, answers(messages), strict=True)
    assert all(one.get("tool_call_id") for one, place in told if place is not None)
    assert without_ids(made) == without_ids(messages)
    assert identified(made) == made or orphan(messages) is not None


@settings(max_examples=100, deadline=None)
@given(messages=talks())
def test_ids_that_there_are_stay(messages: list[Body]) -> None:
    pairs = zip(calls(messages), calls(identified(messages)), strict=True)
    assert all(new["id"] == old["id"] for old, new in pairs if old["id"])


@settings(max_examples=100, deadline=None)
@given(messages=talks(GIVEN))
def test_a_conversation_in_which_every_call_has_an_id_is_unchanged(messages: list[Body]) -> None:
    whole = [*messages[:-1], DONE]
    assert identified(whole) == tuple(whole)


@settings(max_examples=100, deadline=None)
@given(messages=talks())
def test_the_same_conversation_gets_the_same_ids(messages: list[Body]) -> None:
    assert identified(messages) == identified([dict(message) for message in messages])


@pytest.mark.parametrize(
    ("messages", "ids", "told"),
    [
        ([USER, ask(None), result(None)], ["call_1_0"], ["call_1_0"]),
        ([USER, ask(None, None), result("x"), result(None)], ["x", "call_1_1"], ["x", "call_1_1"]),
        ([USER, ask("x"), result(None)], ["x"], ["x"]),
        ([USER, ask("x", None), result("y"), result("x")], ["x", "y"], ["y", "x"]),
        ([USER, ask(""), result("")], ["call_1_0"], ["call_1_0"]),
        ([USER, ask(None), result(None), ask(None)], ["call_1_0", "call_3_0"], ["call_1_0"]),
    ],
)
def test_an_id_is_that_of_the_other_side_or_tells_the_place(
    messages: list[Body], ids: list[str], told: list[str]
) -> None:
    made = identified(messages)
    assert [call["id"] for call in calls(made)] == ids
    assert [one["tool_call_id"] for one in made if one["role"] == "tool"] == told


def test_an_answer_apart_from_its_prompt_gets_the_id_that_it_has_in_the_whole() -> None:
    whole = identified([USER, DONE, USER, ask(None, None)])
    assert identified([ask(None, None)], start=3) == whole[3:]
