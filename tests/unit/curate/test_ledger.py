"""What is written of a step: the difference to what stands, and nothing where there is none."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from headrace.curate import ledger
from headrace.lake.record import Cluster, Decision, Resolved, SplitGroup
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World

LATER = NOW + timedelta(days=1)


def decision(world: World, name: str, **fields: Any) -> Decision:
    usual: dict[str, Any] = {"step": "scrub", "kept": True, "reason": "clean", "at": NOW}
    return Decision(project=world.project, version="v/1", episode_id=name, **usual | fields)


def cluster(world: World, name: str, **fields: Any) -> Cluster:
    usual: dict[str, Any] = {"method": "request", "cluster_id": "c", "representative": True}
    return Cluster(project=world.project, episode_id=name, **usual | fields)


def resolved(world: World, name: str, **fields: Any) -> Resolved:
    usual: dict[str, Any] = {"resolution": "pending", "at": NOW}
    return Resolved(project=world.project, episode_id=name, **usual | fields)


def stands(lake: Lake, world: World, table: str) -> dict[str, dict[str, Any]]:
    rows = lake.rows(f"from {table} where project = $p", {"p": world.project})
    return {row["episode_id"]: row for row in rows}


def decide(
    lake: Lake, world: World, rows: Iterable[Decision], among: Iterable[str] | None = None
) -> ledger.Change:
    change = ledger.decisions(lake, world.project, "scrub", rows, among)
    ledger.commit(lake, [change])
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
    assert [row.episode_id for row in change.put if isinstance(row, Decision)] == ["b", "d"]
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


def test_a_cluster_is_moved_and_never_taken_out(lake: Lake, world: World) -> None:
    def write(*rows: Cluster) -> None:
        ledger.commit(lake, [ledger.clusters(lake, world.project, "request", rows)])

    write(cluster(world, "a"), cluster(world, "b"))
    write(cluster(world, "b", cluster_id="d", representative=False))
    found = stands(lake, world, "clusters")
    assert {name: row["cluster_id"] for name, row in found.items()} == {"a": "c", "b": "d"}


def test_a_resolution_of_an_episode_that_is_gone_goes_too(lake: Lake, world: World) -> None:
    def write(*rows: Resolved) -> None:
        ledger.commit(lake, [ledger.resolutions(lake, world.project, rows)])

    write(resolved(world, "a"), resolved(world, "b"))
    write(resolved(world, "b", resolution="success", success=True))
    found = stands(lake, world, "resolutions")
    assert {name: row["resolution"] for name, row in found.items()} == {"b": "success"}


def test_a_stored_split_is_never_changed(lake: Lake, world: World) -> None:
    def group(name: str, split: Any) -> SplitGroup:
        return SplitGroup(project=world.project, group_id=name, split=split, at=NOW)

    ledger.commit(lake, [ledger.splits(lake, world.project, [group("a", "eval")])])
    change = ledger.splits(lake, world.project, [group("a", "train"), group("b", "test")])
    ledger.commit(lake, [change])
    rows = lake.rows("from splits where project = $p", {"p": world.project})
    assert {row["group_id"]: row["split"] for row in rows} == {"a": "eval", "b": "test"}


def test_several_changes_are_one_transaction(lake: Lake, world: World) -> None:
    before = lake.snapshot_id
    changes = [
        ledger.decisions(lake, world.project, "scrub", [decision(world, "a")]),
        ledger.clusters(lake, world.project, "request", [cluster(world, "a")]),
        ledger.resolutions(lake, world.project, []),
    ]
    ledger.commit(lake, changes)
    assert lake.snapshot_id == before + 1
    ledger.commit(lake, [])
    assert lake.snapshot_id == before + 1


def test_the_last_of_two_rows_for_one_episode_is_the_one(lake: Lake, world: World) -> None:
    decide(lake, world, [decision(world, "a", reason="one"), decision(world, "a", reason="two")])
    assert stands(lake, world, "decisions")["a"]["reason"] == "two"
