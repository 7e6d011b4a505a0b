"""The logbook: what the drain tells, whole or not at all."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from headrace.ingest.logbook import FILE, Logbook, Told, of_drain
from headrace.ingest.tally import Tally

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def logbook(tmp_path: Path) -> Logbook:
    """Of process 7; its clock goes on by a second with each look."""
    ticks: Iterator[int] = count()
    return Logbook(tmp_path, pid=7, clock=lambda: NOON + timedelta(seconds=next(ticks)))


def commit(logbook: Logbook, *, set_aside: int = 0, removed: dict[str, int] | None = None) -> None:
    rows = {"spans": 2, "outcomes": 1}
    logbook.committed(
        bodies=3, received_at=NOON, rows=rows, set_aside=set_aside, seconds=0.5, removed=removed
    )


def read(home: Path) -> Told:
    told = Told.read(home)
    assert told is not None
    return told


def test_it_starts_with_what_nobody_measured_absent(tmp_path: Path, logbook: Logbook) -> None:
    told = read(tmp_path)
    assert (told.pid, told.state, told.started_at) == (7, "starting", NOON)
    assert (told.committed_at, told.received_at, told.dead_letters) == (None, None, None)


def test_commits_add_up(tmp_path: Path, logbook: Logbook) -> None:
    logbook.counted(5)
    commit(logbook, set_aside=1, removed={"key": 2})
    commit(logbook, removed={"key": 1, "token": 4})
    told = read(tmp_path)
    assert (told.commits, told.bodies, told.seconds) == (2, 6, 1.0)
    assert told.rows == {"spans": 4, "outcomes": 2}
    assert (told.set_aside, told.dead_letters) == (1, 6)
    assert told.removed == {"key": 3, "token": 4}
    assert told.received_at == NOON
    assert told.committed_at is not None and told.committed_at > told.started_at


def test_while_it_waits_what_the_lake_holds_is_unknown(tmp_path: Path, logbook: Logbook) -> None:
    logbook.counted(5)
    logbook.waits("LakeLocked")
    told = read(tmp_path)
    assert (told.state, told.cause, told.dead_letters) == ("waiting", "LakeLocked", None)
    commit(logbook, set_aside=1)
    assert read(tmp_path).dead_letters is None  # it does not know of those before
    logbook.counted(6)
    told = read(tmp_path)
    assert (told.state, told.cause, told.dead_letters) == ("draining", None, 6)
    logbook.stopped()
    assert read(tmp_path).state == "stopped"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}', "\x00"])
def test_a_file_that_is_none_of_ours_tells_nothing(tmp_path: Path, text: str) -> None:
    assert Told.read(tmp_path) is None
    (tmp_path / FILE).write_text(text)
    assert Told.read(tmp_path) is None


def test_a_disk_that_takes_nothing_does_not_stop_the_drain(
    tmp_path: Path, logbook: Logbook
) -> None:
    before = read(tmp_path)
    draft = (tmp_path / FILE).with_suffix(".draft")
    draft.mkdir()  # cannot be written, as on a full disk
    commit(logbook)
    assert read(tmp_path) == before
    draft.rmdir()
    commit(logbook)
    assert read(tmp_path).commits == 2


@pytest.mark.parametrize(
    ("pid", "restarts", "known"),
    [(7, 0, True), (8, 1, False), (None, 1, False), (None, None, True)],
)
def test_figures_count_only_from_the_drain_that_runs_now(
    tmp_path: Path, logbook: Logbook, pid: int | None, restarts: int | None, known: bool
) -> None:
    """A sidecar that keeps no drain takes what is there."""
    tally = Tally()
    tally.drain_pid, tally.drain_restarts = pid, restarts
    assert (of_drain(tmp_path, tally) is not None) == known
