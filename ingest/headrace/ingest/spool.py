"""The spool: acknowledged bodies on disk until the lake has them."""

import asyncio
import os
import random
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from headrace.ingest.batch import Body, Signal
from headrace.ingest.errors import SpoolFailed
from headrace.ingest.page import Head, Sheet, unpacked
from headrace.ingest.writer import Entry, Room, Writer, used_bytes
from headrace.lake.settings import Settings
from headrace.lake.statement import statements

TAKE_BYTES = 12 * 1024 * 1024  # decoded rows take a multiple of it in memory
SHRINK_BYTES = 64 * 1024 * 1024  # an emptied file larger than this is given back to the disk
BUSY_S = 30.0
WAL_BYTES = 16 * 1024 * 1024
PAGE_BYTES = 16 * 1024


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """What waits in a spool."""

    depth: int  # bodies
    bytes: int  # on disk; 0 where nothing waits
    oldest_s: float | None  # age of the oldest body; None where nothing waits


class Spool:
    """A SQLite file in WAL mode, fsynced at each commit; any thread may call any method.

    One process appends, another takes and forgets; a kill of either loses nothing.
    A copy of the file is another spool: it has an id of its own.
    """

    def __init__(
        self, path: Path, reader: sqlite3.Connection, room: Room, rng: random.Random
    ) -> None:
        self.path = path
        self._reader = reader
        self._rng = rng
        self._reading = threading.Lock()
        file = _inode(path)
        self._writer = Writer(lambda: _connect(path), room, stands=lambda: _inode(path) == file)
        with self._guarded() as connection:
            [self.id] = connection.execute(_sql("find_id")).fetchone()

    @classmethod
    def open(
        cls, settings: Settings, *, rng: random.Random | None = None, room: Room | None = None
    ) -> Self:
        """The spool of a home, made if absent, readable by its owner only.

        `rng` names a new spool. Raises SpoolFailed.
        """
        path = settings.spool_path
        room = room or Room(folder=settings.home, limit=settings.spool_bytes)
        rng = rng or random.SystemRandom()
        try:
            file = _make_file(path)
            reader = _connect(path)
            _make_tables(reader, {"id": _name(rng), "file": file})
            return cls(path, reader, room, rng)
        except (sqlite3.Error, OSError) as error:
            raise SpoolFailed(
                f"the spool {str(path)!r} cannot be opened ({error}): see that its folder can be "
                "written; if the file is damaged, move it aside"
            ) from error

    def append(
        self,
        signal: Signal,
        content_type: str,
        project: str | None,
        payload: bytes,
        received_at: datetime,
    ) -> "Future[int]":
        """Store a body; its sequence number, once it is on disk.

        The future raises SpoolFull or SpoolFailed; the spool goes on when there is room again.
        """
        future: Future[int] = Future()
        self._put(_sheet(signal, content_type, project, payload, received_at), future)
        return future

    def append_for(
        self,
        future: "asyncio.Future[int]",
        signal: Signal,
        content_type: str,
        project: str | None,
        payload: bytes,
        received_at: datetime,
    ) -> None:
        """`append` for whoever waits in an event loop: its future is told, at less cost."""
        self._put(_sheet(signal, content_type, project, payload, received_at), future)

    def probe(self) -> "Future[int]":
        """Try to store: a small write, fsynced; fails as an append of one byte would."""
        future: Future[int] = Future()
        self._put(None, future)
        return future

    def _put(self, sheet: Sheet | None, future: "Future[int] | asyncio.Future[int]") -> None:
        self._writer.put(Entry(sheet=sheet, future=future))

    def take(self, limit: int, *, after: int = 0, most_bytes: int = TAKE_BYTES) -> list[Body]:
        """The oldest bodies with a number above `after`: at most `limit` and, but for the first,
        at most `most_bytes`."""
        taken: list[Body] = []
        with self._guarded() as connection:
            pages = connection.execute(_sql("take"), {"after": after})
            with closing(pages):
                for body in _bodies(pages, after):
                    most_bytes -= len(body.payload)
                    if len(taken) == limit or (taken and most_bytes < 0):
                        break
                    taken.append(body)
        return taken

    def forget(self, upto: int) -> None:
        """Drop the bodies up to and including a number: the lake has them.

        A page goes with its last body.
        """
        with self._guarded() as connection:
            connection.execute(_sql("forget"), {"upto": upto})
            [freed] = connection.execute(_sql("freed")).fetchone()
            if freed > SHRINK_BYTES and used_bytes(connection) < SHRINK_BYTES:
                connection.executescript("pragma incremental_vacuum")  # execute does one page

    def depth(self, now: datetime) -> Depth:
        """How much waits; constant time."""
        with self._guarded() as connection:
            first, last, oldest = connection.execute(_sql("ends")).fetchone()
            if first is None:
                return Depth(depth=0, bytes=0, oldest_s=None)
            age = (now - datetime.fromisoformat(oldest)).total_seconds()
            return Depth(
                depth=last - first + 1, bytes=used_bytes(connection), oldest_s=max(age, 0.0)
            )

    @property
    def given(self) -> int:
        """The last sequence number that a body was given; 0: none yet."""
        return self._number("given")

    @property
    def forgotten(self) -> int:
        """The number of the last body that was dropped; 0: none yet."""
        return self._number("forgotten")

    def rename(self) -> None:
        """Take a new id: no lake has seen a spool of that name."""
        self.id = _name(self._rng)
        with self._guarded() as connection:
            connection.execute(_sql("rename"), {"id": self.id})

    def close(self) -> None:
        """Store what was appended, then let go of the file."""
        self._writer.close()
        with self._reading:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _number(self, name: str) -> int:
        with self._guarded() as connection:
            [number] = connection.execute(_sql(name)).fetchone()
            return int(number)

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._reading:
            try:
                yield self._reader
            except sqlite3.Error as error:
                raise SpoolFailed(f"the spool {str(self.path)!r} failed: {error}") from error


def _sql(name: str) -> str:
    return statements("headrace.ingest", "spool.sql")[name]


def _name(rng: random.Random) -> str:
    return f"{rng.getrandbits(64):016x}"


def _make_file(path: Path) -> int:
    """The file's inode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # to be written: an overlay file system then takes its own copy of what came with an image
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)  # SQLite gives -wal and -shm the mode of the file
    for folder in (path.parent, path.parent.absolute().parent):
        _sync(folder)  # or a power cut takes the new name and with it what was acknowledged
    return path.stat().st_ino % 2**63  # SQLite has signed integers


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    # both are heeded before the first table only; a body fills several pages
    connection.execute(f"pragma page_size = {PAGE_BYTES:d}")
    connection.execute("pragma auto_vacuum = incremental")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute(f"pragma journal_size_limit = {WAL_BYTES:d}")
    return connection


def _make_tables(connection: sqlite3.Connection, name: Mapping[str, str | int]) -> None:
    connection.execute("begin immediate")
    connection.execute(_sql("identity"))
    connection.execute(_sql("pages"))
    connection.execute(_sql("name_it"), name)
    connection.execute(_sql("name_copy"), name)
    connection.execute("commit")


def _sheet(
    signal: Signal, content_type: str, project: str | None, payload: bytes, received_at: datetime
) -> Sheet:
    head = Head(
        signal=signal,
        content_type=content_type,
        project=project,
        received_at=received_at.astimezone(UTC),
        size=len(payload),
    )
    return Sheet(head=head, payload=payload)


def _bodies(pages: sqlite3.Cursor, after: int) -> Iterator[Body]:
    """The bodies of pages; of the first one only those that come after a number."""
    return (body for page in pages for body in unpacked(*page) if body.seq > after)
