"""The facts: right after every change, and cheap while nothing changes."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from headrace.ingest.facts import ASKED, Facts, Rows
from headrace.lake import Lake
from headrace.lake.record import Episode, Night, Outcome, Record, Span
from headrace.lake.statement import statements

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Asked:
    """Statements of the sidecar, put to a lake and noted."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.names: list[str] = []

    def __call__(self, name: str, where: Mapping[str, object]) -> Rows:
        self.names.append(name)
        return self._lake.rows(statements("headrace.ingest", "sidecar.sql")[name], where)


@pytest.fixture
def asked(lake: Lake) -> Asked:
    return Asked(lake)


def span(project: str, number: int) -> Span:
    return Span(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        kind="llm",
        name="chat",
        received_at=NOON,
    )


def outcome(project: str, number: int) -> Outcome:
    return Outcome(
        project=project,
        outcome_id=f"o{number}",
        target_kind="trace",
        target_id="t",
        source="user",
        received_at=NOON,
        at=NOON,
    )


def episode(project: str, name: str, revision: int, superseded: bool) -> Episode:
    return Episode(
        project=project,
        episode_id=name,
        revision=revision,
        superseded=superseded,
        at=NOON,
        messages=(),
        trainable=(),
    )


def put(lake: Lake, table: str, rows: Sequence[Record]) -> None:
    lake.write(lambda tx: tx.append(table, rows))


def test_nothing_is_counted_twice_while_nothing_changes(
    lake: Lake, project: str, asked: Asked
) -> None:
    facts = Facts(asked, project)
    first = facts.read()
    assert first["lake"] == {"spans": 0, "episodes": 0, "outcomes": 0}
    assert first["dead_letters"] == 0
    assert set(asked.names) == {"changes", "tables", *ASKED.values()}
    asked.names.clear()
    assert facts.read() == first
    assert asked.names == ["changes"]


def test_only_what_changed_is_counted_again(lake: Lake, project: str, asked: Asked) -> None:
    facts = Facts(asked, project)
    facts.read()
    asked.names.clear()
    put(lake, "spans", [span(project, 1), span("another", 2)])
    put(lake, "spans", [span(project, 3)])
    assert facts.read()["lake"]["spans"] == 2
    assert asked.names == ["changes", "count_spans"]
    lake.write(lambda tx: tx.run("delete from spans where project = $p", {"p": project}))
    assert facts.read()["lake"]["spans"] == 0


def test_what_many_rows_leave_in_files_is_noticed_like_few_inlined_ones(
    lake: Lake, project: str, asked: Asked
) -> None:
    facts = Facts(asked, project)
    facts.read()
    for total, size in ((3, 3), (3003, 3000)):
        rows = [outcome(project, total + number) for number in range(size)]
        put(lake, "outcomes", rows)
        assert facts.read()["lake"]["outcomes"] == total


def test_all_projects_are_counted_where_none_is_named(
    lake: Lake, project: str, asked: Asked
) -> None:
    facts = Facts(asked, None)
    before = facts.read()["lake"]["spans"]
    put(lake, "spans", [span(project, 1), span(f"{project}-2", 1)])
    assert facts.read()["lake"]["spans"] == before + 2


def test_the_newest_night_is_told(lake: Lake, project: str, asked: Asked) -> None:
    facts = Facts(asked, project)
    facts.read()
    late = datetime(2999, 1, 1, tzinfo=UTC)
    night = Night(
        night_id=project, started_at=late, ended_at=late, until=late, status="done", summary="[]"
    )
    put(lake, "nights", [night])
    assert facts.read()["nightly"]["night_id"] == project
    lake.write(lambda tx: tx.run("delete from nights where night_id = $n", {"n": project}))


@pytest.mark.parametrize("seed", range(3))
def test_episodes_are_counted_as_the_view_shows_them(
    lake: Lake, project: str, asked: Asked, seed: int
) -> None:
    """Also those that were superseded and came back."""
    rng = random.Random(seed)
    facts = Facts(asked, project)
    revisions: dict[str, int] = {}
    for _ in range(4):
        rows = []
        for name in rng.choices("abcdefgh", k=6):
            revisions[name] = revisions.get(name, 0) + 1
            rows.append(episode(project, name, revisions[name], rng.random() < 0.4))
        put(lake, "episodes", rows)
        [shown] = lake.rows(
            "select count(*) as n from current_episodes where project = $p", {"p": project}
        )
        assert facts.read()["lake"]["episodes"] == shown["n"]


class Forgetful(Asked):
    """A catalog of which the older snapshots were expired."""

    def __call__(self, name: str, where: Mapping[str, object]) -> Rows:
        rows = super().__call__(name, where)
        return sorted(rows, key=lambda row: row["snapshot_id"])[-1:] if name == "changes" else rows


def test_where_snapshots_expired_unseen_everything_is_counted(lake: Lake, project: str) -> None:
    asked = Forgetful(lake)
    facts = Facts(asked, project)
    facts.read()
    put(lake, "spans", [span(project, 1)])
    put(lake, "outcomes", [outcome(project, 1)])
    assert facts.read()["lake"] == {"spans": 1, "episodes": 0, "outcomes": 1}


class Broken(Asked):
    """Fails at one statement, once."""

    def __call__(self, name: str, where: Mapping[str, object]) -> Rows:
        if name == "count_spans" and "count_spans" not in self.names:
            self.names.append(name)
            raise OSError("gone")
        return super().__call__(name, where)


def test_a_failed_look_is_repeated(lake: Lake, project: str) -> None:
    facts = Facts(Broken(lake), project)
    put(lake, "spans", [span(project, 1)])
    with pytest.raises(OSError, match="gone"):
        facts.read()
    assert facts.read()["lake"]["spans"] == 1
