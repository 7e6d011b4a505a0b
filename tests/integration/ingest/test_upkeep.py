"""Small files are merged, and nobody who reads or writes the lake meanwhile can tell."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from subprocess import PIPE

import pytest
from structlog.testing import capture_logs

from headrace.ingest.upkeep import FAN, KEPT, TIERS, Upkeep
from headrace.lake import Lake
from headrace.lake.message import Message
from headrace.lake.record import AssembledTrace, JoinedTrace, Span
from headrace.lake.settings import Settings
from headrace.lake.store import Parameters, Transaction

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = ["project", "trace_id", "span_id"]


def span(number: int, name: str = "call") -> Span:
    return Span(
        project="p",
        trace_id=f"{number:032x}",
        span_id="a" * 16,
        kind="llm",
        name=name,
        received_at=NOW,
        attributes="{}",
        resource="{}",
        events="[]",
    )


def put(lake: Lake, numbers: Sequence[int], name: str = "call") -> None:
    """A commit as the drain makes them: up to ten rows stay in the catalog, more are a file."""
    messages = [Message.of({"role": "user", "content": str(number)}) for number in numbers]

    def work(tx: Transaction) -> None:
        tx.upsert("spans", [span(number, name) for number in numbers], on=KEY)
        tx.add_new("messages", messages, on=["hash"])

    lake.write(work)


def content(lake: Lake, snapshot: int | None = None) -> list[object]:
    then = {"snapshot": lake.snapshot_id if snapshot is None else snapshot}
    return [
        *lake.rows("select trace_id, name from spans at (version => $snapshot) order by 1", then),
        *lake.rows("select hash, body from messages at (version => $snapshot) order by 1", then),
    ]


def files(lake: Lake) -> int:
    [row] = lake.rows(
        "select sum(file_count)::int as n from ducklake_table_info('lake') "
        "where table_name in ('spans', 'messages')"
    )
    return int(row["n"])


def stored(settings: Settings) -> int:
    return len(list(Path(settings.data_path).rglob("*.parquet")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("kept")) as opened:
        yield opened


@pytest.fixture
def lake(made: Lake) -> Lake:
    def empty(tx: Transaction) -> None:
        tx.run("delete from spans")
        tx.run("delete from messages")

    made.write(empty)
    return made


def worked(lake: Lake, *, clock: datetime = NOW) -> Upkeep:
    """An upkeep that has just done its work."""
    upkeep = Upkeep(lake, clock=lambda: clock, every=1)
    upkeep.after(1)
    assert upkeep.after(0)
    return upkeep


def test_work_is_due_after_so_many_commits_and_sooner_where_the_drain_rests(lake: Lake) -> None:
    upkeep = Upkeep(lake, clock=lambda: NOW, every=3)
    assert [upkeep.after(carried) for carried in (0, 5, 5, 0, 5, 0, 0)] == [False] * 5 + [
        True,
        False,
    ]
    assert [upkeep.after(5) for _ in range(13)] == [False] * 11 + [True, False]


def test_inlined_rows_and_small_files_become_one_file_a_table(lake: Lake) -> None:
    before = files(lake)
    for number in range(6):
        put(lake, range(20 * number, 20 * number + (20 if number % 2 else 5)))
    standing = content(lake)
    assert files(lake) == before + 6
    worked(lake)
    assert files(lake) == before + 2
    assert content(lake) == standing


def test_what_nights_note_of_traces_becomes_one_file_a_table_and_reads_as_before(
    lake: Lake,
) -> None:
    kinds = {"assembled_traces": AssembledTrace, "joined_traces": JoinedTrace}
    shown: dict[int, list[object]] = {}

    def noted(snapshot: int) -> list[object]:
        said = "select trace_id, fingerprint from {} at (version => $v) order by all"
        return [lake.rows(said.format(table), {"v": snapshot}) for table in kinds]

    def note(numbers: range, print_: str) -> None:
        def work(tx: Transaction) -> None:
            for table, kind in kinds.items():
                rows = [kind(project="p", trace_id=str(n), fingerprint=print_) for n in numbers]
                tx.upsert(table, rows, on=["project", "trace_id"])

        lake.write(work)
        shown[lake.snapshot_id] = noted(lake.snapshot_id)

    for night in range(3):
        note(range(20 * night, 20 * night + 20), "first")
    worked(lake)
    found = lake.rows("select table_name, file_count as n from ducklake_table_info('lake')")
    assert {row["n"] for row in found if row["table_name"] in kinds} == {1}
    note(range(10, 50), "second")
    worked(lake)
    assert {snapshot: noted(snapshot) for snapshot in shown} == shown
    assert noted(lake.snapshot_id) == shown[max(shown)]


def test_merged_files_are_removed_once_no_query_can_read_them(lake: Lake) -> None:
    for number in range(4):
        put(lake, range(20 * number, 20 * number + 20))
    now, before = datetime.now(UTC), stored(lake.settings)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    for clock in (now, midnight + KEPT - timedelta(seconds=1)):
        worked(lake, clock=clock)
        assert stored(lake.settings) == before + 2
    worked(lake, clock=midnight + KEPT)
    assert stored(lake.settings) <= before - 6


def test_every_snapshot_shows_what_it_showed_before(lake: Lake) -> None:
    rng = random.Random(1)
    upkeep = Upkeep(lake, clock=lambda: datetime.now(UTC) + timedelta(days=3), every=1)
    shown: dict[int, list[object]] = {}
    for step in range(15):
        put(lake, rng.sample(range(60), rng.choice([1, 4, 9, 15, 30])), f"step {step}")
        shown[lake.snapshot_id] = content(lake)
        upkeep.after(1)
        if step % 5 == 4:
            assert upkeep.after(0)
            assert content(lake) == shown[max(shown)]
    assert {snapshot: content(lake, snapshot) for snapshot in shown} == shown


def test_whoever_writes_and_reads_meanwhile_loses_nothing(lake: Lake) -> None:
    faults: list[BaseException] = []

    def write() -> None:
        try:
            with Lake.open(settings=lake.settings) as other:
                for number in range(9):
                    put(other, range(20 * number, 20 * number + (20 if number % 3 else 4)))
                    assert other.rows("select count(*) as n from spans")[0]["n"] > 0
        except Exception as error:  # told below: an exception of a thread ends no test
            faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    works = 0
    while writer.is_alive() or works < 3:
        worked(lake)
        works += 1
    writer.join()
    assert faults == []
    expected = [n for k in range(9) for n in range(20 * k, 20 * k + (20 if k % 3 else 4))]
    rows = lake.rows("select trace_id from spans order by trace_id")
    assert [int(row["trace_id"], 16) for row in rows] == expected
    [messages] = lake.rows("select count(*) as n, count(distinct hash) as kinds from messages")
    assert messages == {"n": len(expected), "kinds": len(expected)}


# in a process of its own: SQLite's locks hold between processes, and DuckDB has its own SQLite
HOLD = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("begin immediate")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lake_that_is_locked_is_kept_up_the_next_time(lake: Lake) -> None:
    put(lake, range(5))
    before = content(lake)
    hasty = lake.settings.model_copy(update={"lock_timeout_s": 0.1})
    with Lake.open(settings=hasty) as other:
        upkeep = Upkeep(other, clock=lambda: NOW, every=1)
        with locked(lake.settings.home / "catalog.sqlite"), capture_logs() as told:
            upkeep.after(1)
            assert upkeep.after(0)
        assert [line["event"] for line in told] == ["upkeep_waits"]
        with capture_logs() as told:
            upkeep.after(1)
            assert upkeep.after(0)
        assert told == []
    assert content(lake) == before


@contextmanager
def locked(catalog: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, str(catalog)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        yield
        holder.communicate()


def test_files_are_merged_by_size_and_larger_ones_more_seldom(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    below: list[object] = []

    def run(lake: Lake, name: str, each: Sequence[Parameters]) -> None:
        below.extend({values["below"] for values in each} if name == "merge" else ())

    monkeypatch.setattr("headrace.ingest.upkeep._run", run)
    upkeep = Upkeep(lake, clock=lambda: NOW, every=1)
    for _ in range(FAN**2):
        upkeep.after(1)
        upkeep.after(0)
    assert [below.count(size) for size in TIERS] == [FAN**2 - FAN, FAN - 1, 1]
