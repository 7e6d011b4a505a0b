import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from structlog.testing import capture_logs

from headrace.ingest import drain as module
from headrace.ingest import reader
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import DEADLY, Drain, Stop, pump, run
from headrace.ingest.errors import OffsetMoved, SpoolFailed, Undecodable
from headrace.ingest.spool import Spool
from headrace.ingest.works import environment
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.record import Span
from headrace.lake.settings import Settings
from headrace.lake.store import Transaction

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def read(body: Body) -> Batch:
    """A stand-in for decoding: the payload names the rows, or the way in which they fail."""
    text = body.payload.decode()
    if text == "undecodable":
        raise Undecodable("attributes: give a list")
    if text == "crash":
        raise RecursionError("maximum depth")
    cost = Decimal("1e30") if text == "unwritable" else None  # more than decimal(18, 9) holds
    span = Span(
        project=body.project or "default",
        trace_id=text,
        span_id=str(body.seq),
        kind="llm",
        name=text,
        cost_usd=cost,
        received_at=body.received_at,
    )
    return Batch(spans=(span,))


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "read", read)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture
def lake(made: Lake) -> Lake:
    """One lake for all tests, emptied: making one takes a second."""

    def empty(tx: Transaction) -> None:
        for table in ("spans", "dead_letters", "drains"):
            tx.run(f"delete from {table}")

    made.write(empty)
    return made


@pytest.fixture
def settings(tmp_path: Path, made: Lake) -> Settings:
    there = made.settings
    return Settings(home=tmp_path / "home", catalog=there.catalog_uri, data=there.data_path)


@pytest.fixture
def spool(settings: Settings) -> Iterator[Spool]:
    with Spool.open(settings) as opened:
        yield opened


@pytest.fixture
def bookmark(settings: Settings, spool: Spool) -> Iterator[Bookmark]:
    with Bookmark(settings.home / "drain.bookmark") as opened:
        yield opened


@pytest.fixture
def drain(lake: Lake, spool: Spool, bookmark: Bookmark) -> Drain:
    return Drain(lake, spool, bookmark, limit=100, clock=lambda: NOON)


def put(spool: Spool, *texts: str) -> None:
    for text in texts:
        spool.append("traces", "application/json", None, text.encode(), NOON).result()


def names(lake: Lake) -> list[str]:
    return [row["name"] for row in lake.rows("select name from spans order by span_id::int")]


def letters(lake: Lake) -> dict[int, str]:
    rows = lake.rows("select seq, reason, body from dead_letters order by seq")
    return {row["seq"]: f"{row['body'].decode()}: {row['reason']}" for row in rows}


def offset(lake: Lake) -> list[tuple[str, int]]:
    return [(row["spool"], row["seq"]) for row in lake.rows("select spool, seq from drains")]


def test_rows_and_offset_arrive_and_the_spool_is_emptied(
    drain: Drain, spool: Spool, lake: Lake
) -> None:
    put(spool, "a", "b")
    assert drain.carry() == 2
    assert drain.carry() == 0
    assert names(lake) == ["a", "b"]
    assert offset(lake) == [(spool.id, 2)]
    assert spool.depth(NOON).depth == 0


def test_bodies_that_cannot_be_read_are_set_aside_with_the_reason(
    drain: Drain, spool: Spool, lake: Lake
) -> None:
    put(spool, "a", "undecodable", "crash", "b")
    assert drain.carry() == 4
    assert names(lake) == ["a", "b"]
    assert letters(lake) == {
        2: "undecodable: attributes: give a list",
        3: "crash: RecursionError: maximum depth",
    }


def test_a_body_that_cannot_be_written_does_not_hold_up_the_others(
    drain: Drain, spool: Spool, lake: Lake
) -> None:
    put(spool, "a", "b", "unwritable", "c", "undecodable")
    assert drain.carry() == 5
    assert names(lake) == ["a", "b", "c"]
    assert list(letters(lake)) == [3, 5]
    assert offset(lake) == [(spool.id, 5)]


def test_a_crash_between_commit_and_forgetting_writes_nothing_twice(
    drain: Drain,
    spool: Spool,
    lake: Lake,
    bookmark: Bookmark,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(spool, "a", "undecodable")

    def crash(upto: int) -> None:
        raise SpoolFailed("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(spool, "forget", crash)
        with pytest.raises(SpoolFailed):
            drain.carry()
    assert spool.depth(NOON).depth == 2
    put(spool, "b")
    again = Drain(lake, spool, bookmark, limit=100, clock=lambda: NOON)
    assert again.carry() == 1
    assert names(lake) == ["a", "b"]
    assert list(letters(lake)) == [2]


def test_a_crash_before_the_commit_leaves_everything_in_the_spool(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool, "a", "undecodable")
    append = Transaction.append

    def crash(tx: Transaction, table: str, rows: Any) -> int:
        append(tx, table, rows)
        raise OSError("the disk went")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "append", crash)
        with pytest.raises(OSError, match="the disk went"):
            drain.carry()
    assert (names(lake), letters(lake), offset(lake)) == ([], {}, [])
    assert drain.carry() == 2
    assert (names(lake), list(letters(lake))) == (["a"], [2])


def test_a_lake_that_is_locked_leaves_the_bodies_in_the_spool(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool, "a")

    def locked(work: Callable[[Transaction], None]) -> None:
        raise LakeLocked("the catalog stayed locked")

    with monkeypatch.context() as patched:
        patched.setattr(lake, "write", locked)
        with pytest.raises(LakeLocked):
            drain.carry()
    assert spool.depth(NOON).depth == 1
    assert letters(lake) == {}
    assert drain.carry() == 1


def test_of_two_drains_only_one_writes(
    drain: Drain, spool: Spool, lake: Lake, bookmark: Bookmark
) -> None:
    other = Drain(lake, spool, bookmark, limit=100, clock=lambda: NOON)
    put(spool, "a")
    bodies = spool.take(9)
    assert drain.carry() == 1
    with pytest.raises(OffsetMoved, match="up to 1"):
        other._commit([other._read(body) for body in bodies])
    assert names(lake) == ["a"]


def test_a_batch_is_at_most_as_long_as_its_limit(
    lake: Lake, spool: Spool, bookmark: Bookmark
) -> None:
    put(spool, "a", "b", "c")
    drain = Drain(lake, spool, bookmark, limit=2, clock=lambda: NOON)
    assert [drain.carry(), drain.carry(), drain.carry()] == [2, 1, 0]


def test_another_spool_has_its_own_offset(
    drain: Drain, spool: Spool, lake: Lake, settings: Settings
) -> None:
    put(spool, "a", "b")
    drain.carry()
    elsewhere = settings.model_copy(update={"home": settings.home / "other"})
    with Spool.open(elsewhere) as other, Bookmark(elsewhere.home / "drain.bookmark") as mark:
        put(other, "c")
        assert Drain(lake, other, mark, limit=9, clock=lambda: NOON).carry() == 1
        assert sorted(offset(lake)) == sorted([(spool.id, 2), (other.id, 1)])


def test_bodies_come_and_go_at_the_same_time(drain: Drain, spool: Spool, lake: Lake) -> None:
    texts = [f"t{i}" for i in range(40)]
    posting = threading.Thread(target=put, args=(spool, *texts))
    posting.start()
    carried = 0
    while carried < len(texts):
        carried += drain.carry()
    posting.join()
    assert names(lake) == texts


def test_a_drain_asked_to_stop_before_it_began_still_drains(
    spool: Spool, lake: Lake, settings: Settings
) -> None:
    put(spool, "a", "b")
    pipe, other = os.pipe()
    os.close(other)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        run(settings, Stop(pipe))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(pipe)
    assert names(lake) == ["a", "b"]
    assert spool.depth(NOON).depth == 0


@pytest.mark.parametrize(
    "error",
    [
        duckdb.OperationalError("the catalog went"),
        duckdb.InternalError("x"),
        duckdb.FatalException("x"),
        duckdb.InterruptException("x"),
        OSError("the disk went"),
        LakeLocked("too long"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_the_lake_is_held_against_no_body(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    put(spool, "a", "undecodable", "b")

    def away(tx: Transaction, batch: Batch) -> None:
        if batch.spans:  # a dead letter could be written
            raise error

    with monkeypatch.context() as patched:
        patched.setattr(module, "write", away)
        with pytest.raises(type(error)):
            drain.carry()
    assert spool.depth(NOON).depth == 3
    assert (letters(lake), offset(lake)) == ({}, [])


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException("x"), ValueError("x")])
def test_what_is_too_much_together_is_written_apart(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    texts = ["a", "b", "undecodable", "c", "d"]
    put(spool, *texts)

    def narrow(tx: Transaction, batch: Batch) -> int:
        if len(batch.spans) > 1:
            raise error
        return write(tx, batch)

    monkeypatch.setattr(module, "write", narrow)
    assert drain.carry() == 5
    assert (names(lake), list(letters(lake))) == (["a", "b", "c", "d"], [3])
    assert offset(lake) == [(spool.id, 5)]


def test_a_dead_letter_that_cannot_be_written_stays_in_the_spool(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool, "undecodable")

    def broken(tx: Transaction, batch: Batch) -> None:
        raise ValueError("not even that")

    with monkeypatch.context() as patched:
        patched.setattr(module, "write", broken)
        with pytest.raises(ValueError, match="not even that"):
            drain.carry()
    assert (letters(lake), spool.depth(NOON).depth) == ({}, 1)
    assert drain.carry() == 1
    assert list(letters(lake)) == [1]


def test_a_dead_letter_keeps_the_body_and_all_that_is_known_of_it(
    drain: Drain, spool: Spool, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(body: Body) -> Batch:
        raise Undecodable("why " * 1000)

    monkeypatch.setattr(reader, "read", broken)
    spool.append("logs", "application/x-protobuf", "shop", b"\xff\0", NOON).result()
    spool.append("episodes", "application/json", None, b"", NOON).result()
    drain.carry()
    first, second = lake.rows("select * from dead_letters order by seq")
    assert (first["project"], second["project"]) == ("shop", "default")
    assert (first["signal"], first["content_type"]) == ("logs", "application/x-protobuf")
    assert (first["body"], second["body"]) == (b"\xff\0", b"")
    assert (first["received_at"], first["spool"], first["seq"]) == (NOON, spool.id, 1)
    assert first["reason"] == ("why " * 1000)[:1000]


def test_a_drain_with_nothing_to_do_leaves_the_lake_alone(
    drain: Drain, spool: Spool, lake: Lake
) -> None:
    put(spool, "a")
    drain.carry()
    before = lake.snapshot_id
    assert [drain.carry() for _ in range(3)] == [0, 0, 0]
    assert lake.snapshot_id == before


@pytest.fixture
def asked() -> Iterator[Stop]:
    """A drain's stop of which the other end is closed."""
    pipe, other = os.pipe()
    os.close(other)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield Stop(pipe)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(pipe)


def test_asked_to_stop_a_drain_goes_on_until_the_deadline(
    lake: Lake, spool: Spool, bookmark: Bookmark, asked: Stop
) -> None:
    drain = Drain(lake, spool, bookmark, limit=1, clock=lambda: NOON)
    put(spool, "a", "b")
    pump(drain, asked, 60.0, 0.0)
    assert spool.depth(NOON).depth == 2
    pump(drain, asked, 60.0, 10.0)
    assert names(lake) == ["a", "b"]


def test_a_drain_beside_another_waits_and_leaves_when_asked(
    spool: Spool, lake: Lake, settings: Settings, asked: Stop
) -> None:
    put(spool, "a")
    with (settings.home / "drain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(settings, asked)
        assert (names(lake), spool.depth(NOON).depth) == ([], 1)
    run(settings, asked)
    assert names(lake) == ["a"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait(asked: Stop, number: signal.Signals) -> None:
    stop = Stop()
    assert not stop.asked
    signal.raise_signal(number)
    assert stop.asked
    stop.wait(3600)


class Patient(Stop):
    """Is asked to stop after some waits, which it notes instead of waiting."""

    def __init__(self, most: int) -> None:
        self.waits: list[float] = []
        self._most = most

    @property
    def asked(self) -> bool:
        return len(self.waits) >= self._most

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def test_while_the_lake_is_away_it_is_asked_for_less_and_less_often(
    spool: Spool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*given: object, **more: object) -> None:
        raise LakeLocked("stop the other writer")

    monkeypatch.setattr(Lake, "open", away)
    stop = Patient(7)
    with capture_logs() as told:
        run(settings, stop)
    assert stop.waits == [0.5, 1, 2, 4, 8, 10, 10]
    assert {line["cure"] for line in told} == {"stop the other writer"}
    assert spool.path.exists()


def test_a_lake_that_comes_back_gets_what_waited(
    spool: Spool, lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool, "a", "b")
    faults: list[Exception] = [LakeLocked("x"), RuntimeError("my secret")]
    fresh = Lake.open

    def away(*given: Any, **more: Any) -> Lake:
        if faults:
            raise faults.pop(0)
        return fresh(*given, **more)

    monkeypatch.setattr(Lake, "open", away)
    stop = Patient(3)
    with capture_logs() as told:
        run(settings, stop)
    assert names(lake) == ["a", "b"]
    assert stop.waits == [0.5, 1.0, settings.drain_interval_s]
    waits = [line for line in told if line["event"] == "drain_waits"]
    assert [(line["error"], line["cure"]) for line in waits] == [
        ("LakeLocked", "x"),
        ("RuntimeError", None),  # a text that is not ours may hold content
    ]


def test_a_lake_that_was_there_gets_no_fresh_one_in_its_place(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    catalog, away = settings.home / "catalog.sqlite", tmp_path / "away.sqlite"
    with Spool.open(settings) as spool:
        put(spool, "a")
        run(settings, Patient(1))
        catalog.rename(away)
        for text in ("b", "c"):
            put(spool, text)
            with capture_logs() as told:
                run(settings, Patient(1))
            assert [line.get("error") for line in told] == ["NoLake"]
            with closing(sqlite3.connect(catalog)) as other:
                other.execute("pragma journal_mode = wal")  # what a look for a lake leaves behind
        away.replace(catalog)
        run(settings, Patient(1))
        assert spool.depth(NOON).depth == 0
    with Lake.open(settings=settings, create=False) as lake:
        assert names(lake) == ["a", "b", "c"]


def test_of_two_copies_of_a_home_with_one_lake_both_arrive(
    spool: Spool, settings: Settings, lake: Lake, bookmark: Bookmark, tmp_path: Path
) -> None:
    put(spool, "both")
    there = settings.model_copy(update={"home": tmp_path / "copy"})
    shutil.copytree(settings.home, there.home)
    with Spool.open(there) as copy:
        put(spool, "first", "second", "third")
        Drain(lake, spool, bookmark, limit=100, clock=lambda: NOON).carry()
        put(copy, "other", "another")
        Drain(lake, copy, bookmark, limit=100, clock=lambda: NOON).carry()
    assert sorted(names(lake)) == ["another", "both", "first", "other", "second", "third"]


def test_an_older_copy_in_the_place_of_a_spool_loses_no_new_body(
    spool: Spool, settings: Settings, lake: Lake, bookmark: Bookmark
) -> None:
    before = spool.path.read_bytes()
    put(spool, "a", "b", "c")
    Drain(lake, spool, bookmark, limit=100, clock=lambda: NOON).carry()
    spool.close()
    spool.path.write_bytes(before)
    with Spool.open(settings) as restored:
        put(restored, "d")
        Drain(lake, restored, bookmark, limit=100, clock=lambda: NOON).carry()
    assert sorted(names(lake)) == ["a", "b", "c", "d"]


POISON = """
import os
from datetime import UTC, datetime
from headrace.ingest import drain, reader
from headrace.ingest.batch import Batch
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import Drain
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.record import Span
from headrace.lake.settings import Settings

def read(body):
    name = body.payload.decode()
    if name == "poison" and not {writing}:
        os.kill(os.getpid(), 9)
    row = Span(project="p", trace_id=name, span_id=str(body.seq), kind="llm", name=name,
               received_at=body.received_at)
    return Batch(spans=(row,))

def write(tx, batch):
    if any(span.name == "poison" for span in batch.spans):
        os.kill(os.getpid(), 9)
    return written(tx, batch)

written = drain.write
drain.write = write
reader.read = read
settings = Settings.load()
with Lake.open(settings=settings) as lake, Spool.open(settings) as spool:
    with Bookmark(settings.home / "drain.bookmark") as bookmark:
        moved = Drain(lake, spool, bookmark, limit=9, clock=lambda: datetime.now(UTC))
        while moved.carry():
            continue
"""


def test_a_body_that_kills_the_process_is_set_aside_after_three_deaths(
    spool: Spool, lake: Lake, settings: Settings
) -> None:
    put(spool, "a", "poison", "b")
    command, env = [sys.executable, "-c", POISON.format(writing=False)], environment(settings)
    codes = [subprocess.run(command, env=env, check=False).returncode for _ in range(DEADLY + 1)]
    assert codes == [-signal.SIGKILL] * DEADLY + [0]
    assert letters(lake) == {2: "poison: reading or writing it ended the drain process 3 times"}
    assert spool.depth(NOON).depth == 0


def test_a_body_whose_writing_kills_the_process_is_set_aside_and_no_other(
    spool: Spool, lake: Lake, settings: Settings
) -> None:
    """The bodies of its batch share its deaths until each goes alone."""
    put(spool, "a", "b", "poison", "c")
    command, env = [sys.executable, "-c", POISON.format(writing=True)], environment(settings)
    codes = [subprocess.run(command, env=env, check=False).returncode for _ in range(6)]
    assert codes == [-signal.SIGKILL] * 5 + [0]
    [(seq, told)] = letters(lake).items()
    assert (seq, told.endswith("reading or writing it ended the drain process 3 times")) == (
        3,
        True,
    )
    assert names(lake) == ["a", "b", "c"]
    assert spool.depth(NOON).depth == 0


def test_a_lake_that_is_away_counts_as_no_death(
    drain: Drain, spool: Spool, lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool, "a")
    with monkeypatch.context() as patched:
        patched.setattr(lake, "write", raising(duckdb.IOException("away")))
        for _ in range(DEADLY + 1):
            with pytest.raises(duckdb.IOException):
                drain.carry()
    with Bookmark(settings.home / "drain.bookmark") as left:
        assert left.deaths == 0


def raising(error: Exception) -> Callable[..., Any]:
    def work(*given: object) -> Any:
        raise error

    return work


def test_a_damaged_bookmark_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "mark").write_bytes(b"short")
    with Bookmark(tmp_path / "mark") as bookmark:
        assert bookmark.begin(7) == 0
    with Bookmark(tmp_path / "mark") as bookmark:
        assert bookmark.begin(7) == 1
        bookmark.clear()
    with Bookmark(tmp_path / "mark") as bookmark:
        assert bookmark.begin(7) == 0
