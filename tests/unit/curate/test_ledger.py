"""What is written of a step: the difference to what stands, and nothing where there is none."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from headrace.curate import ledger
from headrace.lake.record import Decision
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World

LATER = NOW + timedelta(days=1)


def decision(world: World, name: str, **fields: Any) -> Decision:
    usual: dict[str, Any] = {"step": "scrub", "kept": True, "reason": "clean", "at": NOW}
    return Decision(project=world.project, version="v/1", episode_id=name, **usual | fields)


def stands(lake: Lake, world: World, table: str) -> dict[str, dict[str, Any]]:
    rows = lake.rows(f"from {table} where project = $p", {"p": world.project})
    return {row["episode_id"]: row for row in rows}


def decide(
    lake: Lake, world: World, rows: Iterable[Decision], among: Iterable[str] = "abcd"
) -> ledger.Change:
    change = ledger.decisions(lake, world.project, "scrub", rows, among)
    if change:
        lake.write(change.write)
    return change


def test_only_what_differs_is_written_and_what_is_gone_is_taken_out(
    lake: Lake, world: World
) -> None:
    decide(lake, world, [decision(world, name) for name in "abc"])
    change = decide(
        lake,
        world,
        [decision(world, "d", at=LATER), decision(world, "b", kept=False, reason="pii", at=LATER),
         decision(world, "a", at=LATER)],
    )  # fmt: skip
    assert [row.episode_id for row in change.put] == ["b", "d"]
    assert change.keys == ("c",)
    found = stands(lake, world, "decisions")
    assert {name: row["at"] for name, row in found.items()} == {"a": NOW, "b": LATER, "d": LATER}
    assert found["b"]["reason"] == "pii"


def test_the_time_alone_is_no_difference_and_makes_no_snapshot(lake: Lake, world: World) -> None:
    rows = [decision(world, name, similarity=0.1 + 0.2, because_of="x") for name in "ab"]
    decide(lake, world, rows)
    snapshot = lake.snapshot_id
    change = decide(lake, world, [msgspec.structs.replace(row, at=LATER) for row in rows[::-1]])
    assert not change
    assert lake.snapshot_id == snapshot


def test_any_other_field_is_a_difference(lake: Lake, world: World) -> None:
    fields: dict[str, Any] = {
        "kept": False, "reason": "x", "because_of": "x", "similarity": 0.5, "version": "2"
    }  # fmt: skip
    rows = [decision(world, name) for name in fields]
    decide(lake, world, rows)
    for row in rows:
        name = row.episode_id
        other = msgspec.structs.replace(row, **{name: fields[name]})
        change = ledger.decisions(lake, world.project, "scrub", [other], among=[name])
        assert change.put == (other,)


def test_another_step_and_another_project_keep_their_decisions(lake: Lake, world: World) -> None:
    theirs = World(world.project + "-2")
    rows = [decision(world, "a"), decision(world, "a", step="dedupe"), decision(theirs, "a")]
    lake.write(lambda tx: tx.append("decisions", rows))
    decide(lake, world, [])
    assert [row["step"] for row in stands(lake, world, "decisions").values()] == ["dedupe"]
    assert len(stands(lake, theirs, "decisions")) == 1


def test_of_decisions_only_those_looked_at_are_replaced(lake: Lake, world: World) -> None:
    decide(lake, world, [decision(world, name) for name in "abc"])
    decide(lake, world, [decision(world, "a", reason="new")], among=["a", "b"])
    found = stands(lake, world, "decisions")
    assert {name: row["reason"] for name, row in found.items()} == {"a": "new", "c": "clean"}


def test_the_last_of_two_rows_for_one_episode_is_the_one(lake: Lake, world: World) -> None:
    decide(lake, world, [decision(world, "a", reason="one"), decision(world, "a", reason="two")])
    assert stands(lake, world, "decisions")["a"]["reason"] == "two"
