"""From a chain to its messages: what is trained, what is filled in, what does not pair."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from headrace.curate.ancestry import calls
from headrace.curate.forest import chains
from headrace.curate.likeness import Faces
from headrace.curate.toolrun import ToolRun
from headrace.curate.turns import Turn, defects, turns
from headrace.lake.message import Body, Message
from tests.unit.curate.conftest import T0, World, result, said, system, user

ASK, ASK2 = ("1", "f", "{}"), ("2", "f", "{}")
CALL, RESULT = "orphan_tool_call", "orphan_tool_result"


def line(*bodies: Body) -> list[Turn]:
    return [Turn(name=Message.of(body).hash, body=body) for body in bodies]


@pytest.mark.parametrize(
    ("bodies", "found"),
    [
        ([], []),
        ([user("Hi"), said("Hello")], []),
        ([said(None, ASK), result("1", "a"), said("b")], []),
        ([said(None, ASK, ASK2), result("2", "a"), result("1", "a"), said("b")], []),
        ([said(None, ASK)], []),  # nobody knows yet
        ([said(None, ASK, ASK2), result("1", "a")], []),
        ([said(None, ASK), user("Well?")], [CALL]),
        ([said(None, ASK, ASK2), result("1", "a"), said("b")], [CALL]),
        ([said(None, ASK), said("b")], [CALL]),
        ([result("1", "a")], [RESULT]),
        ([said("b"), result("1", "a")], [RESULT]),
        ([said(None, ASK), result("1", "a"), result("1", "a")], [RESULT]),
        ([said(None, ASK), result("9", "a"), user("x")], [RESULT, CALL]),
        ([said(None, ("", "f", "{}")), {"role": "tool", "content": "a"}], [RESULT]),
        ([said(None, ASK), user("x"), result("1", "late")], [CALL, RESULT]),
    ],
)
def test_calls_and_results_that_do_not_pair_are_told(bodies: list[Body], found: list[str]) -> None:
    assert list(defects(line(*bodies))) == found


HEARD = [system(), user("Hi")]


def told(world: World) -> list[Turn]:
    """The turns of the one chain that a world holds."""
    bodies = world.library.messages
    [chain] = chains(calls(world.spans), Faces(bodies))
    tools = sorted((s for s in world.spans if s.kind == "tool"), key=lambda s: s.started_at or T0)
    runs = {"t1": [ToolRun.of(span, bodies) for span in tools]}
    return turns(chain, bodies, runs)


@pytest.mark.parametrize(
    ("recorded", "echo", "kept"),
    [
        (said("Let me see", ASK), said(None, ASK), said("Let me see", ASK)),
        (said(None, ASK), said("Let me see", ASK), said("Let me see", ASK)),
        (said("", ASK), said("  ", ASK), said("", ASK)),
        (said("Let me see"), said("Let me see", ASK), said("Let me see", ASK)),
        (said(None, ("", "f", "{}")), said(None, ASK), said(None, ASK)),
        (said(None, ASK), said(None, ("", "f", "{}")), said(None, ASK)),
        (said("A\r\n"), said("A"), said("A\r\n")),
        ({**said("A"), "reasoning_content": "hm"}, said("A"),
         {**said("A"), "reasoning_content": "hm"}),
    ],
)  # fmt: skip
def test_the_richer_side_of_record_and_echo_is_kept(
    recorded: Body, echo: Body, kept: Body, world: World
) -> None:
    world.call("a", HEARD, recorded, 0)
    world.call("b", [*HEARD, echo, user("More")], said("Sure"), 5)
    found = told(world)
    assert found[2].body == kept
    assert found[2].name == Message.of(kept).hash
    assert [turn.trainable for turn in found] == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("reasons", "trained"),
    [
        (("stop", "stop"), [True, True]),
        (("length", "stop"), [False, True]),
        (("stop", "length"), [True, False]),
        ((None, "tool_calls"), [True, True]),
    ],
)
def test_a_turn_that_was_cut_is_produced_and_not_trained(
    reasons: tuple[str | None, ...], trained: list[bool], world: World
) -> None:
    world.call("a", HEARD, said("Hello"), 0, finish_reason=reasons[0])
    more = [*HEARD, said("Hello"), user("More")]
    world.call("b", more, said("Sure"), 5, finish_reason=reasons[1])
    spoken = [turn for turn in told(world) if turn.produced]
    assert [turn.trainable for turn in spoken] == trained


def test_what_a_call_was_given_is_not_its_own(world: World) -> None:
    world.call("a", [*HEARD, said("of another"), user("More")], said("Sure"), 0)
    assert [turn.produced for turn in told(world)] == [False, False, False, False, True]


def test_a_failed_last_call_leaves_its_question(world: World) -> None:
    world.call("a", HEARD, None, 0, status="error")
    world.tool("x", ASK, "of nobody", 1)
    assert [turn.body for turn in told(world)] == HEARD


@pytest.mark.parametrize(
    ("asked", "runs", "answers"),
    [
        ([ASK], [("1", "f", "{}")], ["r0"]),
        ([ASK, ASK2], [("2", "f", "{}"), ("1", "f", "{}")], ["r1", "r0"]),
        ([ASK], [("1", "renamed", '{"other": 1}')], ["r0"]),
        ([ASK], [("9", "f", "{}")], []),
        ([ASK], [("", "f", "{ }")], ["r0"]),
        ([ASK], [("", "g", "{}")], []),
        ([ASK], [("", "f", '{"a": 1}')], []),
        ([ASK, ASK2], [("", "f", "{}"), ("", "f", "{}")], ["r0", "r1"]),
        ([ASK, ASK2], [("", "f", "{}")], ["r0"]),
        ([ASK, ASK], [("1", "f", "{}")], ["r0"]),
        ([], [("1", "f", "{}")], []),
    ],
)
def test_the_runs_of_the_last_calls_answer_them_once_each(
    asked: Sequence[tuple[str, str, str]],
    runs: Sequence[tuple[str, str, str]],
    answers: list[str],
    world: World,
) -> None:
    world.call("a", HEARD, said("Hm", *asked), 0)
    for i, run in enumerate(runs):
        world.tool(f"x{i}", run, f"r{i}", 1 + i)
    found = told(world)[3:]
    assert [turn.body["content"] for turn in found] == answers
    assert [turn.body["tool_call_id"] for turn in found] == [i for i, _, _ in asked][: len(found)]
    assert not any(turn.produced or turn.trainable for turn in found)


@pytest.mark.parametrize(
    ("begun", "counts"),
    [(timedelta(), True), (timedelta(microseconds=-1), False), (None, True)],
)
def test_only_a_run_since_the_call_began_may_answer_it(
    begun: timedelta | None, counts: bool, world: World
) -> None:
    world.call("a", HEARD, said(None, ASK), 0)
    run: Any = world.tool("x", ASK, "ok", 1)
    when = None if begun is None else T0 + begun
    world.spans[-1] = msgspec.structs.replace(run, started_at=when)
    assert len(told(world)) == (4 if counts else 3)
