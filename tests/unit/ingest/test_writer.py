"""The spool's writer: which appends share a commit, and what becomes of those that fail."""

import asyncio
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headrace.ingest import writer as module
from headrace.ingest.errors import SpoolFailed, SpoolFull
from headrace.ingest.page import Head, Sheet, unpacked
from headrace.ingest.spool import Spool
from headrace.ingest.writer import ROW_BYTES, Entry, Room, Writer, used_bytes
from headrace.lake.settings import MIB, Settings

PATIENCE_S = 30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def entry(payload: bytes = b"x", **fields: Any) -> Entry:
    head = {
        "signal": "logs",
        "content_type": "t",
        "project": None,
        "received_at": datetime(2026, 1, 1, tzinfo=UTC),
        "size": len(payload),
    }
    return Entry(sheet=Sheet(head=Head(**head | fields), payload=payload))


def put(writer: Writer, item: Entry) -> "Future[int]":
    writer.put(item)
    assert isinstance(item.future, Future)
    return item.future


def noise(size: int) -> bytes:
    """Bytes that do not pack."""
    return random.Random(size).randbytes(size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A spool's file with its tables."""
    Spool.open(Settings(home=tmp_path)).close()
    return tmp_path / "spool.sqlite"


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)


def payloads(path: Path) -> list[bytes]:
    with connected(path) as reader:
        names = "last, bodies, oldest, heads, size, payload"
        rows = reader.execute(f"select {names} from pages order by last")
        found = [body.payload for row in rows for body in unpacked(*row)]
    reader.close()
    return found


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    made = Writer(lambda: connected(path), Room(folder=path.parent, limit=64 * MIB, reserve=0))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("used", "more", "fits"),
    [(0, 0, True), (0, 100, True), (99, 1, True), (99, 2, False), (100, 0, True), (101, 0, False)],
)
def test_a_spool_may_be_filled_to_its_very_limit(
    tmp_path: Path, used: int, more: int, fits: bool
) -> None:
    room = Room(folder=tmp_path, limit=100, reserve=0)
    if fits:
        room.check(used, more)
        return
    with pytest.raises(SpoolFull, match=f"{used} of 100 bytes.*HEADRACE_SPOOL_BYTES"):
        room.check(used, more)


@pytest.mark.parametrize(("free", "fits"), [(70, True), (69, False)])
def test_the_drain_keeps_its_share_of_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, fits: bool
) -> None:
    """Bytes are written twice, to the log and to the file."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(100, 100 - free, free))
    room = Room(folder=tmp_path, limit=1000, reserve=50)
    if fits:
        room.check(0, 10)
        return
    with pytest.raises(SpoolFull, match="69 bytes left"):
        room.check(0, 10)


def test_a_try_needs_room_for_a_row(path: Path) -> None:
    with closing(connected(path)) as reader:
        used = used_bytes(reader)
    for limit, fits in ((used + ROW_BYTES, True), (used + ROW_BYTES - 1, False)):
        writer = Writer(lambda: connected(path), Room(folder=path.parent, limit=limit, reserve=0))
        tried = put(writer, Entry(sheet=None))
        assert (tried.exception(PATIENCE_S) is None) == fits
        writer.close()


def held(path: Path, work: Callable[[], list["Future[int]"]]) -> list["Future[int]"]:
    """What `work` puts while nobody can commit: all of it waits."""
    with connected(path) as other:
        other.execute("begin immediate")
        futures = work()
        other.execute("rollback")
    other.close()
    return futures


def groups(
    writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[Entry]
) -> list[int]:
    """How many of the entries, which all wait, went into each commit."""
    sizes: list[int] = []
    commit = Writer._commit

    def noted(self: Writer, group: list[Entry]) -> list[int]:
        sizes.append(len(group))
        return commit(self, group)

    monkeypatch.setattr(Writer, "_commit", noted)

    def put_all() -> list["Future[int]"]:
        first = put(writer, entry(b"the writer waits with this one"))
        while not first.running():
            continue
        return [first, *(put(writer, item) for item in entries)]

    for future in held(path, put_all):
        future.result(PATIENCE_S)
    return sizes[1:]


def test_a_commit_has_so_many_bodies_at_most(
    writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_BODIES", 4)
    assert groups(writer, path, monkeypatch, [entry() for _ in range(10)]) == [4, 4, 2]


def test_a_commit_grows_until_it_has_so_many_bytes(
    writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_BYTES", 10_000)
    entries = [entry(bytes(size)) for size in (9000, 9000, 1, 20_000, 1)]
    assert groups(writer, path, monkeypatch, entries) == [2, 2, 1]


def test_of_a_group_only_what_cannot_be_written_fails(writer: Writer, path: Path) -> None:
    bad = entry(b"bad", content_type=object())
    first, refused, last = held(
        path, lambda: [put(writer, item) for item in (entry(b"a"), bad, entry(b"c"))]
    )
    assert (first.result(PATIENCE_S), last.result(PATIENCE_S)) == (1, 2)
    with pytest.raises(SpoolFailed, match="object.*see the disk"):
        refused.result(PATIENCE_S)
    assert payloads(path) == [b"a", b"c"]


def test_a_full_disk_is_full_and_not_merely_broken(path: Path) -> None:
    def tight() -> sqlite3.Connection:
        connection = connected(path)
        connection.execute("pragma max_page_count = 20")  # as SQLite meets a full disk
        return connection

    writer = Writer(tight, Room(folder=path.parent, limit=64 * MIB, reserve=0))
    with pytest.raises(SpoolFull, match="what was acknowledged is safe"):
        put(writer, entry(noise(500_000))).result(PATIENCE_S)
    assert put(writer, entry(b"small")).result(PATIENCE_S) == 1
    writer.close()


def test_a_connection_that_broke_is_made_anew(path: Path) -> None:
    faults = [sqlite3.OperationalError("unable to open"), OSError("too many files")]
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        if faults:
            raise faults.pop(0)
        made.append(connected(path))
        return made[-1]

    writer = Writer(connect, Room(folder=path.parent, limit=64 * MIB, reserve=0))
    for words in ("unable to open", "too many files"):
        with pytest.raises(SpoolFailed, match=words):
            put(writer, entry()).result(PATIENCE_S)
    assert [put(writer, entry()).result(PATIENCE_S) for _ in range(2)] == [1, 2]
    assert len(made) == 1
    writer.close()


def test_a_refusal_for_want_of_room_keeps_the_connection(path: Path) -> None:
    made: list[int] = []

    def connect() -> sqlite3.Connection:
        made.append(1)
        return connected(path)

    writer = Writer(connect, Room(folder=path.parent, limit=MIB, reserve=0))
    for _ in range(3):
        with pytest.raises(SpoolFull):
            put(writer, entry(noise(2 * MIB))).result(PATIENCE_S)
    assert put(writer, entry()).result(PATIENCE_S) == 1
    assert len(made) == 1
    writer.close()


def test_closing_finishes_what_waits_and_may_be_done_twice(writer: Writer, path: Path) -> None:
    futures = held(path, lambda: [put(writer, entry(b"%d" % n)) for n in range(5)])
    writer.close()
    writer.close()
    assert [future.result(0) for future in futures] == [1, 2, 3, 4, 5]
    with pytest.raises(SpoolFailed, match="stopping"):
        put(writer, entry())


def test_a_writer_for_which_there_was_no_thread_gets_one_later(
    writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError):
            writer.put(entry(b"a"))
    put(writer, entry(b"b")).result(timeout=PATIENCE_S)
    assert payloads(path) == [b"b"]


def test_a_writer_without_work_opens_nothing() -> None:
    def connect() -> sqlite3.Connection:
        raise AssertionError("opened")

    writer = Writer(connect, Room(folder=Path("/"), limit=1))
    writer.close()
    assert writer._thread is None


def test_those_of_one_event_loop_are_told_together(
    writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waited() -> list[int | BaseException]:
        loop = asyncio.get_running_loop()
        calls: list[object] = []
        soon = loop.call_soon_threadsafe

        def noted(*call: Any) -> object:
            calls.append(call)
            return soon(*call)

        monkeypatch.setattr(loop, "call_soon_threadsafe", noted)
        futures = [loop.create_future() for _ in range(4)]
        payloads = [entry(b"a"), entry(b"b", content_type=object()), entry(b"c"), entry(b"d")]
        futures[3].cancel()
        with closing(connected(path)) as other:
            other.execute("begin immediate")
            for future, item in zip(futures, payloads, strict=True):
                writer.put(Entry(sheet=item.sheet, future=future))
            other.execute("rollback")
        told = await asyncio.gather(*futures[:3], return_exceptions=True)
        assert len(calls) <= 2  # the first may have gone alone
        return told

    first, refused, last = asyncio.run(waited())
    assert (first, last) == (1, 2)
    assert isinstance(refused, SpoolFailed)
    assert payloads(path) == [b"a", b"c"]


def test_an_event_loop_that_is_gone_does_not_stop_the_writer(writer: Writer, path: Path) -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    writer.put(Entry(sheet=entry(b"nobody waits").sheet, future=future))
    assert put(writer, entry(b"next")).result(PATIENCE_S) == 2
    assert payloads(path) == [b"nobody waits", b"next"]


def test_pages_that_were_freed_are_not_in_use(path: Path) -> None:
    with connected(path) as connection:
        empty = used_bytes(connection)
        connection.execute("insert into pages values (1, 1, 'now', x'', 0, zeroblob(100000))")
        full = used_bytes(connection)
        assert 90_000 < full - empty < 120_000
        connection.execute("delete from pages")
        assert used_bytes(connection) == empty
    connection.close()
