"""The spool's one writer: many waiting appends become one page, one commit and one fsync."""

import asyncio
import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec

from headrace.ingest.errors import SpoolFailed, SpoolFull
from headrace.ingest.page import Sheet, packed
from headrace.lake.statement import statements

APART_S = 0.005  # between two commits, each of which costs as much as ten bodies
GROUP_BODIES = 1000
GROUP_BYTES = 16 * 1024 * 1024
RESERVE_BYTES = 64 * 1024 * 1024  # free disk left to the drain: it makes room by writing the lake
ROW_BYTES = 256  # a row's share of pages beside its payload


Outcome = int | SpoolFailed  # of an append: its number, or what was in the way


class Entry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One append that waits for the disk; without a sheet it only tries whether a write works."""

    sheet: Sheet | None
    future: "Future[int] | asyncio.Future[int]" = msgspec.field(default_factory=Future)

    @property
    def bytes(self) -> int:
        return len(self.sheet.payload) if self.sheet else 0

    def begin(self) -> bool:
        """Whether somebody waits still: from here on who goes away can no longer cancel it."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How much the spool may take of a disk."""

    folder: Path
    limit: int  # bytes of the spool
    reserve: int = RESERVE_BYTES

    def check(self, used: int, more: int) -> None:
        """Raises SpoolFull where `more` bytes do not fit."""
        if used + more > self.limit:
            raise SpoolFull(
                f"the spool holds {used:,} of {self.limit:,} bytes: it empties as the drain "
                "writes the lake; look at `headrace status`, or raise HEADRACE_SPOOL_BYTES"
            )
        free = shutil.disk_usage(self.folder).free
        # the write-ahead log and then the file take the bytes
        if free < self.reserve + 2 * more:
            raise SpoolFull(
                f"the disk below {str(self.folder)!r} has {free:,} bytes left, too few: make room"
            )


class Writer:
    """A thread with the only connection that appends; started by the first entry."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        room: Room,
        *,
        stands: Callable[[], bool] = lambda: True,
    ) -> None:
        """`stands` tells whether the file is still the one whose place others know."""
        self._connect = connect
        self._room = room
        self._stands = stands
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._state = threading.Lock()
        self._closed = False

    def put(self, entry: Entry) -> None:
        """The entry's future will be done after the commit, or fail with SpoolFailed."""
        with self._state:
            if self._closed:
                raise SpoolFailed("the spool is closed: the sidecar is stopping")
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="spool", daemon=True)
                thread.start()  # RuntimeError where the machine has no more threads
                self._thread = thread
            self._queue.put(entry)

    def close(self) -> None:
        """Finish what was put; nothing can be put afterwards."""
        with self._state:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        for group in self._groups():
            if waiting := [entry for entry in group if entry.begin()]:
                _tell(waiting, self._settled(waiting))
        self._drop()

    def _groups(self) -> Iterator[list[Entry]]:
        last = 0.0
        while (entry := self._queue.get()) is not None:
            time.sleep(max(0.0, last + APART_S - time.monotonic()))
            last = time.monotonic()
            group, size = [entry], entry.bytes
            while len(group) < GROUP_BODIES and size < GROUP_BYTES and not self._queue.empty():
                entry = self._queue.get()
                if entry is None:
                    yield group
                    return
                group.append(entry)
                size += entry.bytes
            yield group

    def _settled(self, group: list[Entry]) -> list[Outcome]:
        try:
            return list(self._commit(group))
        except Exception as error:  # whatever it was: whoever waits must hear of it
            if not isinstance(error, SpoolFull):
                self._drop()
            if len(group) == 1:
                return [_failure(error)]
            # what is small may fit where all together do not
            return [outcome for entry in group for outcome in self._settled([entry])]

    def _commit(self, group: list[Entry]) -> list[int]:
        """The number of each entry; 0 for one that only tries."""
        if not self._stands():  # SQLite would go on in a file that nobody finds again
            raise SpoolFailed(
                "the file of the spool was removed or replaced: put it back, or start the sidecar "
                "anew; until then nothing is acknowledged"
            )
        if self._connection is None:
            self._connection = self._connect()
        sheets = [entry.sheet for entry in group if entry.sheet is not None]
        last = self._write(self._connection, sheets)
        numbers = iter(range(last - len(sheets) + 1, last + 1))
        return [next(numbers) if entry.sheet else 0 for entry in group]

    def _write(self, connection: sqlite3.Connection, sheets: Sequence[Sheet]) -> int:
        """The number of the last sheet; one statement, so one transaction.

        Each statement costs a turn at the interpreter's lock, against the thread that answers.
        """
        if not sheets:
            self._room.check(used_bytes(connection), ROW_BYTES)
            connection.execute(_sql("probe"))
            return 0
        row = packed(sheets)
        more = ROW_BYTES + len(row["heads"]) + len(row["payload"])
        self._room.check(used_bytes(connection), more)
        return connection.execute(_sql("append"), row).lastrowid or 0

    def _drop(self) -> None:
        """Close the connection, which rolls back; the next commit starts with a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _tell(group: list[Entry], outcomes: list[Outcome]) -> None:
    """Let whoever waits know; those of one event loop together, for each call wakes it up."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], Outcome]]] = {}
    for entry, outcome in zip(group, outcomes, strict=True):
        if isinstance(entry.future, Future):
            _finish(entry.future, outcome)
        else:
            by_loop.setdefault(entry.future.get_loop(), []).append((entry.future, outcome))
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_tell_here, told)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            continue


def _tell_here(told: "list[tuple[asyncio.Future[int], Outcome]]") -> None:
    for future, outcome in told:
        if not future.done():
            _finish(future, outcome)


def _finish(future: "Future[int] | asyncio.Future[int]", outcome: Outcome) -> None:
    if isinstance(outcome, SpoolFailed):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the pages in use, without a scan."""
    return int(connection.execute(_sql("used")).fetchone()[0])


def _sql(name: str) -> str:
    return statements("headrace.ingest", "spool.sql")[name]


def _failure(error: Exception) -> SpoolFailed:
    if isinstance(error, SpoolFailed):
        return error
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return SpoolFull("the disk is full: make room; what was acknowledged is safe")
    return SpoolFailed(f"the spool could not write ({error}): see the disk")
