"""When a release was first seen, on what it ran, and what a given one keeps."""

from datetime import timedelta
from typing import Any

import msgspec

from headrace.curate.assemble import assemble
from headrace.curate.release import observed
from headrace.ingest.release import release_of
from headrace.lake.message import Message, digest, dump
from headrace.lake.record import Release, Run
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, WEATHER, World, said, system, user

PROMPT = Message.of(system()).hash
EARLY, LATE = T0 - timedelta(days=1), T0 + timedelta(days=1)


def post(world: World, name: str, at: float = 0, **fields: Any) -> None:
    messages = [system(), user("Hi"), said("Hello")]
    world.post(name, messages, at, **{"release": "r", "model": "m"} | fields)


def known(world: World, name: str, **fields: Any) -> Release:
    return Release(project=world.project, release=name, **fields)


def write(lake: Lake, rows: list[Release]) -> list[Release]:
    lake.write(lambda tx: tx.upsert("releases", rows, on=["project", "release"]))
    return rows


def test_a_release_is_what_its_first_episode_ran_on(lake: Lake, world: World) -> None:
    post(world, "late", 9, model="new")
    post(world, "first", 5, tools=dump([WEATHER]))
    post(world, "other", 1, release="s", model=None)
    post(world, "none", 0, release=None)
    world.drain(lake)
    first, other = write(lake, observed(lake, world.project))
    assert (first.release, first.at, first.model) == ("r", T0 + timedelta(seconds=5), "m")
    assert (first.prompt_hash, first.tools_hash) == (PROMPT, digest(dump([WEATHER])))
    assert (other.release, other.model, other.tools_hash) == ("s", None, None)
    assert observed(lake, world.project) == []


def test_what_the_first_episode_of_a_release_lacks_the_next_one_tells(
    lake: Lake, world: World
) -> None:
    world.post("bare", [user("Hi"), said("Hello")], 1, release="r")
    post(world, "plain", 2)
    post(world, "whole", 3, tools=dump([WEATHER]))
    world.post("other", [user("Hi"), said("Hello")], 4, release="s")
    world.drain(lake)
    first, other = observed(lake, world.project)
    assert (first.at, first.model) == (T0 + timedelta(seconds=1), "m")
    assert (first.prompt_hash, first.tools_hash) == (PROMPT, digest(dump([WEATHER])))
    assert (other.prompt_hash, other.tools_hash) == (None, None)


# What is known of a release before an episode of it is seen, and after.
KNOWN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # seen in traces: the earlier sight stands, with the notes that someone wrote
    ({"at": LATE, "model": "x"}, {"at": T0, "model": "m"}),
    ({"at": LATE, "notes": "n"}, {"at": T0, "notes": "n", "model": "m"}),
    ({"at": EARLY, "model": "x"}, {"at": EARLY, "model": "x"}),
    ({"at": EARLY}, {"at": EARLY, "model": "m"}),
    # given with scores: it keeps its word, what it lacks is filled in
    ({"at": LATE, "kind": "given", "model": "x", "notes": "n"},
     {"at": T0, "kind": "given", "model": "x", "notes": "n"}),
    ({"at": EARLY, "kind": "given"}, {"at": EARLY, "kind": "given", "model": "m"}),
    ({"at": LATE, "kind": "given", "prompt_hash": "p"},
     {"at": T0, "kind": "given", "model": "m", "prompt_hash": "p"}),
]  # fmt: skip


def test_what_is_known_of_a_release_is_corrected_and_completed_once(
    lake: Lake, world: World
) -> None:
    names = [f"r{i}" for i in range(len(KNOWN))]
    for name in names:
        post(world, name, release=name)
    world.drain(lake)
    before = [row for row, _ in KNOWN]
    write(lake, [known(world, name, **row) for name, row in zip(names, before, strict=True)])
    write(lake, observed(lake, world.project))
    rows = lake.rows("from releases where project = $p", {"p": world.project})
    found = {row["release"]: Release(**row) for row in rows}
    for name, (_, after) in zip(names, KNOWN, strict=True):
        assert found[name] == known(world, name, **{"prompt_hash": PROMPT} | after)
    assert observed(lake, world.project) == []


def test_an_episode_without_a_time_counts_from_when_it_was_written(
    lake: Lake, world: World
) -> None:
    post(world, "a")
    world.posted = [msgspec.structs.replace(row, started_at=None) for row in world.posted]
    world.drain(lake)
    assert [release.at for release in observed(lake, world.project)] == [NOW]


HASH = release_of(None, "You help.", "m-1", [])


def first_seen(lake: Lake, world: World) -> dict[str, timedelta]:
    """The releases that stand, and how long after T0 each was first seen."""
    rows = lake.rows("from releases where project = $p", {"p": world.project})
    return {row["release"]: row["at"] - T0 for row in rows}


def run_at(world: World, trace_id: str, at: float, release: str, named: str | None = None) -> None:
    """A call under an agent, which may tell another name than the call has."""
    world.span(f"{trace_id}-agent", "agent", at, trace_id=trace_id, release=named)
    world.call(
        f"{trace_id}-call", [system(), user(trace_id)], said("Hi"), at,
        trace_id=trace_id, parent_span_id=f"{trace_id}-agent", release=release,
    )  # fmt: skip


def test_an_earlier_call_that_comes_late_makes_its_release_older(lake: Lake, world: World) -> None:
    for trace_id, at in (("c", 20), ("a", 5), ("b", 10)):
        run_at(world, trace_id, at, "1.0")
        world.drain(lake)
        assemble(lake, world.project, now=NOW)
    assert first_seen(lake, world) == {"1.0": timedelta(seconds=5)}


def test_a_name_goes_before_the_hash_and_the_hash_goes_when_the_name_comes_late(
    lake: Lake, world: World
) -> None:
    run_at(world, "a", 5, HASH, "1.0")
    run_at(world, "b", 9, HASH, "1.0")
    one, *agents = [span for span in world.spans if span.kind == "agent"]
    world.drain(lake, [span for span in world.spans if span.kind == "llm"])
    assemble(lake, world.project, now=NOW)
    assert first_seen(lake, world) == {HASH: timedelta(seconds=5)}
    world.drain(lake, [one])
    assemble(lake, world.project, now=NOW)
    assert first_seen(lake, world) == {"1.0": timedelta(seconds=5), HASH: timedelta(seconds=9)}
    world.drain(lake, agents)
    assemble(lake, world.project, now=NOW)
    assert first_seen(lake, world) == {"1.0": timedelta(seconds=5)}


def test_a_hash_that_was_measured_stays_though_its_episodes_have_a_name_now(
    lake: Lake, world: World
) -> None:
    run_at(world, "a", 5, HASH, "1.0")
    world.drain(lake, world.spans[1:])
    assemble(lake, world.project, now=NOW)
    ran = Run(project=world.project, run_id="r", suite="s", release=HASH, status="success",
              started_at=NOW)  # fmt: skip
    lake.write(lambda tx: tx.append("runs", [ran]))
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert first_seen(lake, world).keys() == {"1.0", HASH}


def test_the_releases_of_another_project_are_not_touched(lake: Lake, world: World) -> None:
    theirs = World(world.project + "-2")
    post(theirs, "a")
    theirs.drain(lake)
    assert observed(lake, world.project) == []
    assert [release.project for release in observed(lake, theirs.project)] == [theirs.project]
