"""Upkeep of the lake: many small commits leave many small files, which slow every later one."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import duckdb
import structlog

from headrace.lake.errors import LakeLocked
from headrace.lake.settings import MIB
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Parameters

EVERY = 32  # commits between two upkeeps
PATIENCE = 4  # times as many where the drain is never idle
# Files below so many bytes are merged each time, each 16th time, each 256th time: what was written
# once is then written three times more and no oftener, and about 16 files of each size stay.
TIERS = (256 * 1024, 4 * MIB, 64 * MIB)
FAN = 16
KEPT = timedelta(hours=6)  # of merged files, at least: a query may still read them

# What the drain writes. Not its offsets: of each only the last is alive, and it stays inlined. And
# what grows with the spans at night: late spans change it in small commits.
TABLES = (
    *("messages", "spans", "log_events", "outcomes", "episodes", "toolsets", "dead_letters"),
    *("assembled_traces", "joined_traces", "decisions"),
)

log = structlog.get_logger("headrace.drain")


class Upkeep:
    """Moves inlined rows into files and merges small files; every snapshot reads as before."""

    def __init__(self, lake: Lake, *, clock: Callable[[], datetime], every: int = EVERY) -> None:
        self._lake = lake
        self._clock = clock
        self._every = every
        self._commits = 0
        self._rounds = 0

    def after(self, carried: int) -> bool:
        """Told of each turn of the drain, does its work when that is due; whether it was.

        Raises nothing of the lake: what is in its way now may not be the next time.
        """
        self._commits += carried > 0
        least = self._every * PATIENCE if carried else self._every
        if self._commits < least:
            return False
        self._commits = 0
        try:
            self._work()
        except (duckdb.Error, LakeLocked, OSError) as error:
            log.warning("upkeep_waits", error=type(error).__name__)
        return True

    def _work(self) -> None:
        self._rounds += 1
        tidy(self._lake, TABLES, number=self._rounds, now=self._clock())


def tidy(lake: Lake, tables: Sequence[str], *, number: int, now: datetime) -> None:
    """Move inlined rows of tables into files and merge small files, larger ones seldom.

    `number` counts the times that this was done. Raises what the lake raises.
    """
    below = _tier(number)
    _run(lake, "flush", [{"table": table} for table in tables])
    _run(lake, "merge", [{"table": table, "below": below} for table in tables])
    _run(lake, "clean", [{"before": _day_before(now - KEPT)}])


def _run(lake: Lake, name: str, each: Sequence[Parameters]) -> None:
    """One statement with different values, in one transaction: each costs a snapshot."""
    sql = statements("headrace.ingest", "upkeep.sql")[name]
    lake.write(lambda tx: [tx.run(sql, values) for values in each])


def _tier(number: int) -> int:
    """Bytes below which the upkeep of a number merges files."""
    fits = (n for n in range(len(TIERS)) if number % FAN**n == 0)
    return TIERS[max(fits)]


def _day_before(at: datetime) -> datetime:
    """The last moment of the day before: in a SQLite catalog DuckLake compares times as texts of
    unlike form, so that among those of one day every one counts as older."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)
