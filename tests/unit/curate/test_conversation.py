"""An episode with its messages at hand."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from headrace.curate.conversation import Conversation, conversations, projects
from headrace.lake.message import Body, dump
from headrace.lake.record import Decision, Episode, Outcome
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, WEATHER, World, said, short, system, user

TALK = [system(), user("Hi"), said("Hello", ("1", "f", '{"b":1,"a":2}'))]


def only(lake: Lake, world: World) -> Conversation:
    [found] = conversations(lake, world.project)
    return found


def test_a_conversation_has_what_its_episode_has_and_the_bodies(lake: Lake, world: World) -> None:
    given: dict[str, Any] = {
        "trace_ids": ("t1", "t2"), "span_ids": ("s",), "parent_episode_id": "up",
        "conversation_id": "c", "user_id": "u", "release": "r", "model": "m",
        "ended_at": T0 + timedelta(seconds=9), "input_tokens": 0, "output_tokens": 2**62,
        "cost_usd": Decimal("0.000000001"), "latency_ms": 0.0, "finish_reason": "stop",
        "error": "e", "defects": ("unfinished",),
    }  # fmt: skip
    world.post("a", TALK, tools=dump([WEATHER]), metadata={"task": 7, "x": None}, **given)
    world.drain(lake)
    found = only(lake, world)
    assert {name: getattr(found, name) for name in given} == given
    assert list(found.messages) == TALK
    assert found.trainable == (False, False, True)
    assert found.tools == (WEATHER,)
    assert (found.task, found.metadata) == ("7", {"task": 7, "x": None})


def test_what_is_not_known_of_an_episode_is_absent(lake: Lake, world: World) -> None:
    world.post("a", TALK)
    world.drain(lake)
    found = only(lake, world)
    assert (found.tools, found.task, found.cost_usd, found.input_tokens) == (None,) * 4
    assert (found.resolution, found.success, found.score) == ("pending", None, None)
    assert (found.representative, found.trace_ids, found.defects) == (True, (), ())


def test_no_tools_and_tools_unknown_are_told_apart(lake: Lake, world: World) -> None:
    world.post("a", TALK, 0, tools="[]")
    world.post("b", TALK, 1)
    world.drain(lake)
    assert [found.tools for found in conversations(lake, world.project)] == [(), None]


def test_the_oldest_comes_first_and_what_has_no_time_last(lake: Lake, world: World) -> None:
    for name, at in [("late", 9), ("b", 5), ("a", 5), ("never", 0)]:
        world.post(name, TALK, at)
    world.posted[-1] = msgspec.structs.replace(world.posted[-1], started_at=None)
    world.drain(lake)
    found = [short(each.episode_id) for each in conversations(lake, world.project)]
    assert found == ["a", "b", "late", "never"]


def test_a_message_that_stands_twice_is_there_twice(lake: Lake, world: World) -> None:
    twice: list[Body] = [user("Hi"), said("Hello"), user("Hi"), said("Hello")]
    world.post("a", twice)
    world.drain(lake)
    assert list(only(lake, world).messages) == twice


class Between:
    """A lake into which something is written after the first read."""

    def __init__(self, lake: Lake, write: Callable[[], None]) -> None:
        self._lake = lake
        self._write: Callable[[], None] | None = write

    def rows(self, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        found = self._lake.rows(query, parameters)
        if self._write is not None:
            self._write()
            self._write = None
        return found


def test_what_is_drained_between_two_reads_does_no_harm(lake: Lake, world: World) -> None:
    world.post("a", TALK)
    world.drain(lake)
    world.post("b", [user("Late?"), said(f"Late, {world.project}.")])
    busy: Any = Between(lake, lambda: world.drain(lake))
    assert [short(c.episode_id) for c in conversations(busy, world.project)] == ["a"]
    assert [short(c.episode_id) for c in conversations(lake, world.project)] == ["a", "b"]


@pytest.mark.parametrize(
    ("step", "kept", "representative"),
    [("dedupe", False, False), ("dedupe", True, True), ("export", False, True)],
)
def test_dedupe_alone_says_who_represents(
    step: str, kept: bool, representative: bool, lake: Lake, world: World
) -> None:
    name = world.post("a", TALK).episode_id
    world.drain(lake)
    decided = Decision(
        project=world.project, step=step, version="v", episode_id=name, kept=kept, reason="r",
        at=NOW,
    )  # fmt: skip
    lake.write(lambda tx: tx.append("decisions", [decided]))
    assert only(lake, world).representative is representative


def test_only_the_last_revision_that_is_not_superseded_is_shown(lake: Lake, world: World) -> None:
    def revise(of: Episode, revision: int, **fields: Any) -> Episode:
        return msgspec.structs.replace(of, revision=revision, **fields)

    a, b = world.post("a", TALK), world.post("b", TALK)
    world.posted += [revise(a, 3, user_id="third"), revise(a, 2, user_id="second")]
    world.posted += [revise(b, 2, superseded=True)]
    world.drain(lake)
    assert only(lake, world).user_id == "third"


def test_a_project_is_known_by_whatever_reached_it_first(lake: Lake, world: World) -> None:
    by_span, by_mark = World(world.project + "/span"), World(world.project + "/mark")
    world.post("a", TALK)
    by_span.span("s")
    mark = Outcome(
        project=by_mark.project, outcome_id="o", target_kind="trace", target_id="t", source="user",
        at=NOW, received_at=NOW,
    )  # fmt: skip
    world.drain(lake)
    by_span.drain(lake)
    lake.write(lambda tx: tx.append("outcomes", [mark]))
    known = projects(lake)
    assert {world.project, by_span.project, by_mark.project} <= set(known)
    assert known == sorted(set(known))
