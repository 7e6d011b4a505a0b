"""The drain: a process of its own that carries bodies from the spool into the lake."""

import argparse
import fcntl
import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import IO

import duckdb
import msgspec
import structlog

from headrace.ingest import frugal, reader
from headrace.ingest import log as logs
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.errors import OffsetMoved, Undecodable
from headrace.ingest.letter import letter
from headrace.ingest.logbook import Logbook
from headrace.ingest.secrets.export import counted
from headrace.ingest.spool import Spool
from headrace.ingest.upkeep import Upkeep
from headrace.lake.errors import HeadraceError, LakeLocked
from headrace.lake.record import DeadLetter
from headrace.lake.settings import Settings, make_home
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

DEADLY = 3  # deaths of the process over one body before it is set aside
COUNT_S = 60.0  # between two looks at what the lake holds: others take dead letters out of it
NICE = 5  # whoever waits for an acknowledgement goes first
PAUSE_S = (0.5, 10.0)  # first and longest pause while the lake is away

# Faults of the lake: all bodies wait. Any other fault in writing is one of a body.
AWAY = (
    LakeLocked,
    OffsetMoved,
    duckdb.OperationalError,
    duckdb.InternalError,
    duckdb.FatalException,
    duckdb.InterruptException,
    OSError,
)

log = structlog.get_logger("headrace.drain")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one body comes to: rows, or a dead letter."""

    body: Body  # without its payload, but for a dead letter
    batch: Batch = Batch()
    letter: DeadLetter | None = None


class Drain:
    """Carries bodies in order; each is in the lake exactly once, whatever crashes when."""

    def __init__(
        self,
        lake: Lake,
        spool: Spool,
        bookmark: Bookmark,
        *,
        limit: int,
        clock: Callable[[], datetime],
        logbook: Logbook | None = None,
    ) -> None:
        self._lake = lake
        self._spool = spool
        self._bookmark = bookmark
        self._limit = limit
        self._clock = clock
        self._logbook = logbook
        # After two deaths at one place each body goes alone: the one that kills is then known.
        self._careful = limit if bookmark.deaths > 1 else 0  # bodies that still do
        self._begun = time.monotonic()
        self._offset = self._found()
        if self._offset > spool.given:  # an older copy was put in the spool's place
            spool.rename()
            self._offset = 0
        spool.forget(self._offset)  # a crash may have come between commit and forgetting
        self._count()

    def carry(self) -> int:
        """Move the oldest bodies into the lake; how many there were.

        Raises what `AWAY` names, and HeadraceError of the spool: nothing is lost, try again.
        """
        self._begun = time.monotonic()
        if self._begun > self._counted + COUNT_S:
            self._count()
        bodies = self._spool.take(1 if self._careful else self._limit, after=self._offset)
        if not bodies:
            return 0
        parts = [self._read(body) for body in bodies]
        del bodies  # their bytes are as much again as the rows; the spool has them still
        self._mark_and_store(parts)
        self._spool.forget(self._offset)
        self._careful = max(0, self._careful - len(parts))
        return len(parts)

    def _mark_and_store(self, parts: Sequence[Part]) -> None:
        """Store; a death of the process meanwhile is one at the first of them."""
        self._bookmark.begin(parts[0].body.seq)
        try:
            self._store(parts)
        finally:
            self._bookmark.clear()

    def _found(self) -> int:
        """How far the lake has this spool."""
        [row] = self._lake.rows(_sql("offset"), {"spool": self._spool.id})
        return int(row["seq"] or 0)

    def _read(self, body: Body) -> Part:
        if self._bookmark.begin(body.seq) >= DEADLY:
            why = f"reading or writing it ended the drain process {DEADLY} times"
            return self._dead(body, why, deadly=True)
        try:
            batch = reader.read(body)
            return Part(body=msgspec.structs.replace(body, payload=b""), batch=batch)
        except Undecodable as error:
            return self._dead(body, str(error))
        except Exception as error:  # one body that trips the decoder must not hold up the others
            return self._dead(body, f"{type(error).__name__}: {error}")

    def _store(self, parts: Sequence[Part]) -> None:
        try:
            self._commit(parts)
        except duckdb.OutOfMemoryException as error:
            self._isolate(parts, error)
        except AWAY:
            raise
        except Exception as error:
            self._isolate(parts, error)

    def _isolate(self, parts: Sequence[Part], error: Exception) -> None:
        """Store the halves apart, until the body that cannot be written stands alone."""
        if len(parts) > 1:
            middle = len(parts) // 2
            self._store(parts[:middle])
            self._store(parts[middle:])
        elif parts[0].letter is None:
            [body] = self._spool.take(1, after=parts[0].body.seq - 1)
            self._commit([self._dead(body, f"{type(error).__name__}: {error}")])
        else:
            raise error

    def _commit(self, parts: Sequence[Part]) -> None:
        last = parts[-1].body.seq
        batch = Batch.union(part.batch for part in parts)
        letters = [part.letter for part in parts if part.letter is not None]
        where = {"spool": self._spool.id}

        def work(tx: Transaction) -> None:
            [(found,)] = tx.run(_sql("offset"), where)
            if (found or 0) != self._offset:
                raise OffsetMoved(f"the lake has this spool up to {found}: reading on from there")
            write(tx, batch)
            tx.append("dead_letters", letters)
            tx.run(_sql("drop_offset"), where)
            tx.run(_sql("set_offset"), where | {"seq": last, "now": self._clock()})

        self._lake.write(work)
        self._offset = last
        self._tell(parts, batch)

    def _count(self) -> None:
        self._counted = time.monotonic()
        if self._logbook is not None:
            [letters] = self._lake.rows(_sql("count_letters"))
            self._logbook.counted(letters["dead_letters"])

    def _tell(self, parts: Sequence[Part], batch: Batch) -> None:
        rows = {table: len(getattr(batch, table)) for table in batch.__struct_fields__}
        now = time.monotonic()
        seconds, self._begun = now - self._begun, now
        log.info("drained", bodies=len(parts), rows=sum(rows.values()), seconds=round(seconds, 3))
        if removed := counted(batch):
            log.info("secrets_removed", **removed)  # rows by kind of secret
        if self._logbook is not None:
            self._logbook.committed(
                bodies=len(parts),
                received_at=parts[-1].body.received_at,
                rows=rows,
                set_aside=sum(part.letter is not None for part in parts),
                seconds=seconds,
                removed=removed,
            )

    def _dead(self, body: Body, why: str, *, deadly: bool = False) -> Part:
        log.warning("dead_letter", seq=body.seq, signal=body.signal, bytes=len(body.payload))
        made = letter(body, why, spool=self._spool.id, at=self._clock(), deadly=deadly)
        return Part(body=body, letter=made)


class Stop:
    """Whether to stop: SIGTERM or SIGINT came, or the watched pipe was closed.

    A pipe tells of the end of the process that holds the other end, however it ends, and no
    sooner than this process can finish its work.
    """

    def __init__(self, pipe: int | None = None) -> None:
        self._pipes = [] if pipe is None else [pipe]
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    @property
    def asked(self) -> bool:
        return self._asked or bool(select.select(self._pipes, [], [], 0)[0])

    def wait(self, seconds: float) -> None:
        """Wait so long, or until asked to stop."""
        # short waits and not an Event: setting one in a signal handler can deadlock its waiter
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            select.select(self._pipes, [], [], min(left, 0.1))

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def run(settings: Settings, stop: Stop) -> None:
    """Drain until asked to stop; while the lake is away, try again and again."""
    pause, longest = PAUSE_S
    make_home(settings.home)
    with (settings.home / "drain.lock").open("w") as lock:
        if not _alone(lock, stop):
            return
        logbook = Logbook(settings.home, pid=os.getpid(), clock=_now)
        while not _drained(settings, stop, logbook):
            stop.wait(pause)
            pause = min(pause * 2, longest)
            if stop.asked:
                return


def _alone(lock: IO[str], stop: Stop) -> bool:
    """Whether no other drain works here: one whose sidecar was killed ends soon."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if stop.asked:
                return False
            stop.wait(0.2)


def _drained(settings: Settings, stop: Stop, logbook: Logbook) -> bool:
    """Drain until asked to stop; False where something is in the way."""
    try:
        with (
            Spool.open(settings) as spool,
            # a lake that was there and is away must not get a fresh one in its place
            Lake.open(settings=settings, create=not spool.forgotten) as lake,
            Bookmark(settings.home / "drain.bookmark") as bookmark,
        ):
            drain = Drain(
                lake, spool, bookmark, limit=settings.drain_rows, clock=_now, logbook=logbook
            )
            lake.be_frugal()
            upkeep = Upkeep(lake, clock=_now)
            log.info("drain_started", waiting=spool.depth(_now()).depth)
            gc.freeze()  # what stands by now stays: the collector need not walk it again
            pump(drain, stop, settings.drain_interval_s, settings.stop_drain_s, upkeep)
            log.info("drain_stopped", waiting=spool.depth(_now()).depth)
            logbook.stopped()
            return True
    except Exception as error:  # whatever it is: the spool keeps the bodies meanwhile
        cure = str(error) if isinstance(error, HeadraceError) else None
        log.error("drain_waits", error=type(error).__name__, cure=cure)
        logbook.waits(type(error).__name__)
        return False


def pump(
    drain: Drain, stop: Stop, interval_s: float, stop_s: float, upkeep: Upkeep | None = None
) -> None:
    """Carry until asked to stop, then as long as something is left, for at most `stop_s`."""
    while not stop.asked:
        carried = drain.carry()
        if upkeep is not None:
            upkeep.after(carried)
        if not carried:
            stop.wait(interval_s)
    end = time.monotonic() + stop_s
    while time.monotonic() < end and drain.carry():
        continue


def _now() -> datetime:
    return datetime.now(UTC)


def _sql(name: str) -> str:
    return statements("headrace.ingest", "drain.sql")[name]


def main() -> int:
    """`python -m headrace.ingest.drain [--home H] [--attached]`."""
    parser = argparse.ArgumentParser(prog="headrace.ingest.drain", description=__doc__)
    parser.add_argument("--home", help="default: HEADRACE_HOME, else ./.headrace")
    parser.add_argument("--attached", action="store_true", help="stop when stdin is closed")
    given = parser.parse_args()
    try:
        settings = Settings.load(given.home)
        logs.configure(settings.log_format)
        os.nice(NICE)
        frugal.do_without_pandas()
        run(settings, Stop(sys.stdin.fileno() if given.attached else None))
    except HeadraceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
