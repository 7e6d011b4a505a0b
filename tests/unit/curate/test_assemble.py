"""Assembly over a real lake: revisions, what is touched and what is not, releases."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from headrace.curate import assembly, plan
from headrace.curate.assemble import assemble
from headrace.curate.backlog import Backlog
from headrace.curate.conversation import Conversation
from headrace.lake.message import Message
from headrace.lake.record import Episode, Release
from headrace.lake.store import Lake, Transaction
from tests.unit.curate.conftest import NOW, T0, World, said, system, user


def conversations(lake: Lake, project: str) -> list[Conversation]:
    """The current episodes as they were assembled, which only the scrub reads."""
    backlog = Backlog.of(lake, project, step="none", version="0", scrubbed=False)
    return [episode for chunk in backlog for episode in chunk]


def revisions(lake: Lake, world: World) -> dict[str, tuple[int, bool]]:
    rows = lake.rows(
        "select episode_id, max(revision) r, arg_max(superseded, revision) s from episodes "
        "where project = $p group by 1",
        {"p": world.project},
    )
    return {row["episode_id"]: (row["r"], row["s"]) for row in rows}


def reasons(lake: Lake, world: World) -> list[str]:
    rows = lake.rows("select reason from decisions where project = $p", {"p": world.project})
    return [row["reason"] for row in rows]


def releases(lake: Lake, world: World) -> dict[str, dict[str, object]]:
    rows = lake.rows("from releases where project = $p", {"p": world.project})
    return {row["release"]: row for row in rows}


def test_a_second_run_writes_nothing(lake: Lake, world: World) -> None:
    world.agent_run("a", cost_usd=None)
    world.agent_run("b", conversation_id="c")
    world.call("e", [], None, 0, trace_id="empty")
    world.drain(lake)
    first = assemble(lake, world.project, now=NOW)
    snapshot = lake.snapshot_id
    second = assemble(lake, world.project, now=NOW + timedelta(hours=1))
    assert lake.snapshot_id == snapshot
    assert (first.seen, first.kept, first.dropped) == (3, 2, {"no_content": 1})
    assert first.notes["new"] == 2
    assert second.seen == 0


def test_a_redelivery_of_the_same_spans_makes_no_revision(lake: Lake, world: World) -> None:
    world.agent_run("a", cost_usd=Decimal("0.123456789"), input_tokens=3)
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    later = [msgspec.structs.replace(s, received_at=NOW) for s in world.spans]
    world.drain(lake, later)
    result = assemble(lake, world.project, now=NOW + timedelta(hours=1))
    assert result.kept == 1
    assert set(revisions(lake, world).values()) == {(1, False)}


def test_a_late_span_revises_only_what_it_touches(lake: Lake, world: World) -> None:
    world.agent_run("a", steps=3)
    world.agent_run("b", steps=2)
    world.drain(lake, world.spans[:2] + world.spans[3:])
    assemble(lake, world.project, now=NOW)
    before = {c.trace_ids[0]: c for c in conversations(lake, world.project)}
    world.drain(lake, [world.spans[2]])
    result = assemble(lake, world.project, now=NOW)
    after = {c.trace_ids[0]: c for c in conversations(lake, world.project)}
    assert result.seen == 1
    assert after["a"].episode_id == before["a"].episode_id
    assert sum(after["a"].trainable) == 3
    assert after["b"] == before["b"]
    assert sorted(revisions(lake, world).values()) == [(1, False), (2, False)]


def test_an_earlier_call_that_comes_late_supersedes_the_old_name(lake: Lake, world: World) -> None:
    world.agent_run("a", steps=3)
    world.drain(lake, world.spans[1:])
    assemble(lake, world.project, now=NOW)
    [old] = conversations(lake, world.project)
    world.drain(lake, world.spans[:1])
    result = assemble(lake, world.project, now=NOW)
    [new] = conversations(lake, world.project)
    assert new.episode_id != old.episode_id
    assert revisions(lake, world) == {old.episode_id: (2, True), new.episode_id: (1, False)}
    assert result.notes["superseded"] == 1


def test_any_order_of_arrival_ends_in_the_same_episodes(lake: Lake, world: World) -> None:
    rng = Random(3)
    for name in ("a", "b"):
        world.agent_run(name, steps=3, conversation_id="c" if name == "b" else None)
    spans = list(world.spans)
    rng.shuffle(spans)
    for part in (spans[:2], spans[2:3], spans[1:]):
        world.drain(lake, part)
        assemble(lake, world.project, now=NOW)
    found = {c.episode_id: c.messages for c in conversations(lake, world.project)}
    once = {e.episode_id: tuple(world.said_in(e)) for e in world.episodes()}
    assert found == once


def test_batches_of_any_size_give_the_same_episodes(lake: Lake, world: World) -> None:
    for i in range(5):
        world.agent_run(f"t{i}", steps=2, conversation_id=f"c{i // 2}")
    world.drain(lake)
    result = assemble(lake, world.project, now=NOW, batch=1)
    assert result.kept == 5
    assert {c.episode_id for c in conversations(lake, world.project)} == {
        e.episode_id for e in world.episodes()
    }


def test_late_metadata_on_a_root_span_revises_the_episode(lake: Lake, world: World) -> None:
    world.agent_run("a")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    root = world.span("root", trace_id="a", attributes={"headrace.task": "t"})
    world.drain(lake, [root])
    assemble(lake, world.project, now=NOW)
    assert [c.task for c in conversations(lake, world.project)] == ["t"]


def test_content_that_comes_late_takes_back_the_drop(lake: Lake, world: World) -> None:
    empty = world.call("a", [], None, 0)
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert reasons(lake, world) == ["no_content"]
    full = msgspec.structs.replace(empty, output=world.names([said("Hello")]))
    world.drain(lake, [full])
    result = assemble(lake, world.project, now=NOW)
    assert result.dropped == {}
    assert reasons(lake, world) == []


def test_posted_episodes_are_left_alone_and_their_releases_seen(lake: Lake, world: World) -> None:
    messages = [Message.of(body) for body in (system("S"), user("Hi"), said("Hello"))]
    posted = Episode(
        project=world.project, episode_id="mine", revision=1, at=NOW, release="r9", model="m-9",
        messages=tuple(m.hash for m in messages), trainable=(False, False, True),
        trace_ids=("a",), started_at=T0,
    )  # fmt: skip
    lake.write(
        lambda tx: (tx.add_new("messages", messages, on=["hash"]), tx.append("episodes", [posted]))
    )
    world.agent_run("a")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert revisions(lake, world)["mine"] == (1, False)
    release = releases(lake, world)["r9"]
    assert (release["at"], release["model"]) == (T0, "m-9")
    assert release["prompt_hash"] == messages[0].hash


def test_a_release_keeps_the_first_time_it_was_seen(lake: Lake, world: World) -> None:
    world.agent_run("late")
    world.call("x", [system(), user("Hi")], said("Hello"), -60, trace_id="early")
    given = Release(
        project=world.project, release="r1", at=NOW, kind="given", notes="scores of May"
    )
    lake.write(lambda tx: tx.append("releases", [given]))
    for spans in (world.spans[:-1], world.spans[-1:]):
        world.drain(lake, spans)
        assemble(lake, world.project, now=NOW)
    row = releases(lake, world)["r1"]
    assert row["at"] == T0 - timedelta(seconds=60)
    assert (row["kind"], row["notes"], row["model"]) == ("given", "scores of May", "m-1")


def test_projects_are_kept_apart(lake: Lake, world: World) -> None:
    world.agent_run("a")
    theirs = world.project + "-2"
    other = [msgspec.structs.replace(span, project=theirs) for span in world.spans]
    world.drain(lake, [*world.spans, *other])
    assemble(lake, world.project, now=NOW)
    assert conversations(lake, theirs) == []
    assemble(lake, theirs, now=NOW)
    [mine], [other_one] = conversations(lake, world.project), conversations(lake, theirs)
    assert mine.episode_id != other_one.episode_id


def test_a_run_that_dies_is_taken_up_where_it_stood(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4):
        world.agent_run(f"t{i}", steps=2)
    world.drain(lake)
    write, left = lake.write, [2]

    def dying(work: Callable[[Transaction], object]) -> object:
        if not left[0]:
            raise RuntimeError("power cut")
        left[0] -= 1
        return write(work)

    monkeypatch.setattr(lake, "write", dying)
    with pytest.raises(RuntimeError, match="power cut"):
        assemble(lake, world.project, now=NOW, batch=1)
    monkeypatch.undo()
    result = assemble(lake, world.project, now=NOW, batch=1)
    assert result.kept == 2
    assert sorted(revisions(lake, world).values()) == [(1, False)] * 4
    assert _hashes(lake) >= {name for e in world.episodes() for name in e.messages}


def _hashes(lake: Lake) -> set[str]:
    rows: Sequence[dict[str, str]] = lake.rows("select hash from messages")
    return {row["hash"] for row in rows}


def written(lake: Lake, world: World) -> list[tuple[str, int]]:
    """Every row of the project's episodes."""
    rows = lake.rows(
        "select episode_id, revision from episodes where project = $p", {"p": world.project}
    )
    return sorted((row["episode_id"], row["revision"]) for row in rows)


def at_first_reading(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, when spans are read and nothing is written yet."""
    pure, left = assembly.assemble, [happens]

    def reading(*given: Any, **more: Any) -> assembly.Assembled:
        if left:
            left.pop()()
        return pure(*given, **more)

    monkeypatch.setattr(assembly, "assemble", reading)


def test_what_is_written_while_assembly_runs_is_taken_up_by_the_next_run(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.agent_run("a", steps=3)
    world.agent_run("b")
    world.drain(lake, world.spans[:2] + world.spans[3:])
    at_first_reading(monkeypatch, lambda: world.drain(lake, world.spans[2:3]))
    assemble(lake, world.project, now=NOW)
    assert {c.trace_ids[0]: sum(c.trainable) for c in conversations(lake, world.project)} == {
        "a": 2,
        "b": 3,
    }
    assert assemble(lake, world.project, now=NOW).notes["revised"] == 1
    assert {c.trace_ids[0]: sum(c.trainable) for c in conversations(lake, world.project)} == {
        "a": 3,
        "b": 3,
    }
    assert assemble(lake, world.project, now=NOW).seen == 0


def test_of_two_nights_at_once_one_writes_each_episode(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        world.agent_run(name)
    world.drain(lake)
    at_first_reading(monkeypatch, lambda: assemble(lake, world.project, now=NOW))
    late = assemble(lake, world.project, now=NOW)
    assert late.seen == 0
    assert written(lake, world) == sorted((e.episode_id, 1) for e in world.episodes())
    assert assemble(lake, world.project, now=NOW).seen == 0


def test_traces_that_part_leave_no_episode_over_both(lake: Lake, world: World) -> None:
    asked = [system(), user("Hi")]
    world.call("s1", asked, said("Hello"), 0, trace_id="a", conversation_id="c")
    more = [*asked, said("Hello"), user("And?")]
    world.call("s2", more, said("Well."), 1, trace_id="b", conversation_id="c")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert [c.trace_ids for c in conversations(lake, world.project)] == [("a", "b")]
    world.drain(lake, [msgspec.structs.replace(world.spans[1], conversation_id="d")])
    assemble(lake, world.project, now=NOW)
    assert sorted(c.trace_ids for c in conversations(lake, world.project)) == [("a",), ("b",)]


def test_traces_that_come_together_leave_no_episode_of_one(lake: Lake, world: World) -> None:
    asked = [system(), user("Hi")]
    world.call("s1", asked, said("Hello"), 0, trace_id="a", response_id="r1")
    more = [*asked, said("Hello"), user("And?")]
    world.call("s2", more, said("Well."), 1, trace_id="b")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert sorted(c.trace_ids for c in conversations(lake, world.project)) == [("a",), ("b",)]
    world.drain(lake, [msgspec.structs.replace(world.spans[1], previous_response_id="r1")])
    result = assemble(lake, world.project, now=NOW)
    assert [c.trace_ids for c in conversations(lake, world.project)] == [("a", "b")]
    assert result.notes["superseded"] == 1


def test_with_links_traces_without_ids_become_one_episode_and_without_two_again(
    lake: Lake, world: World
) -> None:
    asked = [system(), user("Hi")]
    world.call("s1", asked, said("Hello"), 0, trace_id="a")
    more = [*asked, said("Hello"), user("And?")]
    world.call("s2", more, said("Well."), 1, trace_id="b")
    replace = msgspec.structs.replace
    world.spans = [replace(world.spans[0], said="g"), replace(world.spans[1], heard="g")]
    world.drain(lake)
    assemble(lake, world.project, now=NOW, link=True)
    assert [c.trace_ids for c in conversations(lake, world.project)] == [("a", "b")]
    assemble(lake, world.project, now=NOW)
    assert sorted(c.trace_ids for c in conversations(lake, world.project)) == [("a",), ("b",)]


def test_a_conversation_of_too_many_calls_is_several_episodes_that_train_each_call_once(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CALLS", 4)
    monkeypatch.setattr(plan, "MANY", 3)
    world.agent_run("a", steps=10, conversation_id="c")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    found = conversations(lake, world.project)
    assert sorted(sum(c.trainable) for c in found) == [2, 4, 4]
    assert sorted(len(c.messages) for c in found) == [9, 17, 21]
    assert assemble(lake, world.project, now=NOW).seen == 0
