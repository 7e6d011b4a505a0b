"""The forest gives back the tree of conversations from which the calls were made."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.ancestry import calls
from headrace.curate.forest import Chain, chains, linkable
from headrace.curate.likeness import Faces
from headrace.lake.message import Body
from tests.unit.curate.conftest import World, inherits, result, said, system, user

# For each call the one that it continues: an earlier call, or none.
TREES = st.lists(st.integers(-1, 9), max_size=10).map(
    lambda given: [min(parent, i - 1) for i, parent in enumerate(given)]
)


def grown(parents: Sequence[int], **fields: Any) -> World:
    """A world in which call `i` continues call `parents[i]` and no two say the same."""
    world = World()
    histories: list[list[Body]] = []
    for i, parent in enumerate(parents):
        before = histories[parent] if parent >= 0 else [system()]
        heard = [*before, user(f"question {i}")]
        world.call(f"{i:02}", heard, said(f"answer {i}"), i, **fields)
        histories.append([*heard, said(f"answer {i}")])
    return world


def found(world: World, *, link: bool = False) -> list[Chain]:
    return chains(calls(world.spans), Faces(world.library.messages), link=link)


def lines(world: World, *, link: bool = False) -> list[list[str]]:
    return [[call.span.span_id for call in chain.calls] for chain in found(world, link=link)]


def paths(parents: Sequence[int]) -> list[list[str]]:
    """From the root to each call that none continues."""
    ways = []
    for leaf in sorted(set(range(len(parents))) - set(parents)):
        way = [leaf]
        while parents[way[-1]] >= 0:
            way.append(parents[way[-1]])
        ways.append([f"{i:02}" for i in reversed(way)])
    return ways


@settings(max_examples=80, deadline=None)
@given(TREES)
def test_a_chain_for_each_leaf_from_its_root(parents: list[int]) -> None:
    assert sorted(lines(grown(parents))) == sorted(paths(parents))


@settings(max_examples=80, deadline=None)
@given(TREES)
def test_every_chain_has_a_name_of_its_own_and_a_call_that_it_holds(parents: list[int]) -> None:
    openers = [chain.opener.key for chain in found(grown(parents))]
    assert len(set(openers)) == len(openers)
    for chain in found(grown(parents)):
        assert chain.opener in chain.calls


@settings(max_examples=50, deadline=None)
@given(TREES.filter(len))
def test_one_more_call_leaves_the_names_that_were_given(parents: list[int]) -> None:
    """An episode grows under one id, and a later branch takes none away."""
    before = {chain.opener.key for chain in found(grown(parents[:-1]))}
    after = {chain.opener.key for chain in found(grown(parents))}
    assert before <= after


@settings(max_examples=50, deadline=None)
@given(TREES, st.integers(0, 99))
def test_calls_of_traces_that_nothing_joins_are_all_apart(parents: list[int], seed: int) -> None:
    world = grown(parents)
    world.spans = [msgspec.structs.replace(s, trace_id=s.span_id) for s in world.spans]
    Random(seed).shuffle(world.spans)
    assert sorted(lines(world)) == [[f"{i:02}"] for i in range(len(parents))]


HEARD = [system(), user("Hi")]


@pytest.mark.parametrize(
    ("outcomes", "chain", "attempts"),
    [
        ("+", ["0"], []),
        ("-", ["0"], []),
        ("-+", ["1"], ["0"]),
        ("--+", ["2"], ["0", "1"]),
        ("--", ["1"], ["0"]),
        ("---", ["2"], ["0", "1"]),
    ],
)
def test_a_failed_call_is_an_attempt_of_what_took_its_place(
    outcomes: str, chain: list[str], attempts: list[str], world: World
) -> None:
    for i, outcome in enumerate(outcomes):
        world.call(str(i), HEARD, said("Hello") if outcome == "+" else None, i)
    [only] = found(world)
    assert [call.span.span_id for call in only.calls] == chain
    assert [call.span.span_id for call in only.attempts] == attempts
    assert only.opener.span.span_id == "0"


def test_a_failure_after_the_answer_is_no_attempt_of_it(world: World) -> None:
    world.call("0", HEARD, said("Hello"), 0)
    world.call("1", HEARD, None, 1)
    assert lines(world) == [["0"], ["1"]]
    assert [chain.attempts for chain in found(world)] == [(), ()]


def test_a_failure_with_another_input_or_in_another_trace_is_no_attempt(world: World) -> None:
    world.call("0", [system(), user("Ho")], None, 0)
    world.call("1", HEARD, None, 1, trace_id="other")
    world.call("2", HEARD, said("Hello"), 2)
    assert sorted(lines(world)) == [["0"], ["1"], ["2"]]


def test_each_answer_to_one_question_is_a_branch_and_the_failure_is_of_the_first(
    world: World,
) -> None:
    world.call("0", HEARD, None, 0)
    world.call("1", HEARD, said("Hello"), 1)
    world.call("2", HEARD, said("Good day"), 2)
    first, second = found(world)
    assert [call.span.span_id for call in first.attempts] == ["0"]
    assert second.attempts == ()


def test_a_call_is_no_continuation_of_one_that_began_after_it(world: World) -> None:
    world.call("late", HEARD, said("Hello"), 9)
    world.call("early", [*HEARD, said("Hello"), user("More")], said("Sure"), 0)
    assert sorted(lines(world)) == [["early"], ["late"]]


def test_of_two_calls_that_fit_the_one_with_the_same_agent_is_continued(world: World) -> None:
    for agent in ("ann", "bob"):
        world.call(agent, HEARD, said("Hello"), 0, agent=agent)
    world.call("more", [*HEARD, said("Hello"), user("More")], said("Sure"), 5, agent="ann")
    assert sorted(lines(world)) == [["ann", "more"], ["bob"]]


def test_the_longest_prefix_goes_before_any_kinship(world: World) -> None:
    longer = [*HEARD, said("Hello"), user("More"), said("Sure")]
    world.call("root", HEARD, said("Hello"), 0, agent="ann")
    world.call("long", longer[:-1], longer[-1], 1, agent="bob")
    world.call("leaf", [*longer, user("Bye")], said("Bye"), 2, agent="ann")
    assert lines(world) == [["root", "long", "leaf"]]


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        (("t", None), ("t", None), True),
        (("t", "c"), ("t", "d"), True),
        (("t", "c"), ("u", "c"), True),
        (("t", "c"), ("u", "d"), False),
        (("t", "c"), ("u", None), False),
        (("t", None), ("u", None), False),
    ],
)
def test_calls_are_linked_by_a_trace_or_a_known_conversation(
    one: tuple[str, str | None], other: tuple[str, str | None], linked: bool, world: World
) -> None:
    made = [
        inherits(world.call("s", HEARD, said("Hello"), 0, trace_id=trace), conversation_id=name)
        for trace, name in (one, other)
    ]
    assert linkable(*made) is linked
    assert linkable(*reversed(made)) is linked


MORE = [*HEARD, said("Hello"), user("More")]


def alone(world: World, name: str, heard: Sequence[Body], at: float, **fields: Any) -> None:
    """A call in a trace of its own; what it is asked tells what it says."""
    reply = said("Hello" if heard == HEARD else "Sure")
    world.call(name, heard, fields.pop("reply", reply), at, trace_id=name, **fields)


@settings(max_examples=50, deadline=None)
@given(TREES, st.integers(0, 99))
def test_with_links_histories_that_differ_join_traces_into_the_same_chains(
    parents: list[int], seed: int
) -> None:
    world = grown(parents)
    world.spans = [msgspec.structs.replace(s, trace_id=s.span_id) for s in world.spans]
    Random(seed).shuffle(world.spans)
    assert sorted(lines(world, link=True)) == sorted(paths(parents))


def test_strangers_who_open_alike_at_one_time_are_not_guessed_at(world: World) -> None:
    alone(world, "ann", HEARD, 0)
    alone(world, "bob", HEARD, 20)
    alone(world, "more", MORE, 60)
    assert lines(world, link=True) == [["ann"], ["bob"], ["more"]]


def test_a_stranger_of_long_ago_is_no_rival_of_the_last_who_said_it(world: World) -> None:
    alone(world, "ann", HEARD, 0)
    alone(world, "bob", HEARD, 180)
    alone(world, "more", MORE, 200)
    assert lines(world, link=True) == [["ann"], ["bob", "more"]]


def test_a_stranger_who_went_on_already_is_no_rival(world: World) -> None:
    alone(world, "ann", HEARD, 0)
    alone(world, "ann-more", MORE, 5)
    alone(world, "bob", HEARD, 6)
    alone(world, "bob-more", MORE, 20)
    assert lines(world, link=True) == [["ann", "ann-more"], ["bob", "bob-more"]]


@pytest.mark.parametrize("field", ["agent", "model"])
def test_of_strangers_the_one_of_the_same_agent_or_model_is_continued(
    field: str, world: World
) -> None:
    alone(world, "ann", HEARD, 0, **{field: "ours"})
    alone(world, "bob", HEARD, 5, **{field: "other"})
    alone(world, "more", MORE, 20, **{field: "ours"})
    assert sorted(lines(world, link=True)) == [["ann", "more"], ["bob"]]


def test_of_strangers_the_one_whose_words_are_echoed_to_the_letter_is_continued(
    world: World,
) -> None:
    ask = "", "look", "{}"
    more = [*HEARD, said(None, ask), result("", "sun")]
    alone(world, "ann", HEARD, 0, reply=said(None, ask))
    alone(world, "bob", HEARD, 5, reply=said("Let me look.", ask))
    alone(world, "more", more, 20)
    assert sorted(lines(world, link=True)) == [["ann", "more"], ["bob"]]


def test_two_named_users_are_never_linked(world: World) -> None:
    alone(world, "ann", HEARD, 0, user_id="ann")
    alone(world, "more", MORE, 5, user_id="bob")
    alone(world, "nobody", MORE, 9)
    assert sorted(lines(world, link=True)) == [["ann", "nobody"], ["more"]]


@pytest.mark.parametrize(("seconds", "retried"), [(299, True), (300, False)])
def test_without_ids_a_failure_is_retried_within_minutes(
    seconds: float, retried: bool, world: World
) -> None:
    alone(world, "failed", HEARD, 0, reply=None)
    alone(world, "answered", HEARD, seconds)
    assert len(found(world, link=True)) == (1 if retried else 2)


def test_a_known_conversation_takes_the_latest_of_several_alike(world: World) -> None:
    for name, heard, at in (("a", HEARD, 0), ("b", HEARD, 20), ("more", MORE, 60)):
        alone(world, name, heard, at, conversation_id="c")
    assert sorted(lines(world, link=True)) == [["a"], ["b", "more"]]
