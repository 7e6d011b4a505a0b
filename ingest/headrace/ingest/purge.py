"""What was deleted leaves the disk: snapshots, files, and what the catalog still tells of them.

Rows that are deleted stand in older snapshots, and their bytes in files of these. The night after,
snapshots go, files are written again without such rows, and what no snapshot names any more is
removed the day after that, as a query may still read it.
"""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import structlog

from headrace.ingest.spool import SHRINK_BYTES
from headrace.ingest.upkeep import KEPT, tidy
from headrace.lake.errors import LakeLocked
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Parameters

# Of raw texts.
TABLES = ("messages", "spans", "log_events", "outcomes", "reviews", "episodes", "dead_letters")
MANY = 1_000  # snapshots that go at once
SPOOL_BYTES = 2 * SHRINK_BYTES
SECONDS = 60  # that a file may take to be cleared
STRANGE = timedelta(days=7)  # a file that was not committed since: nobody will

log = structlog.get_logger("headrace.night")


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """What left the disk."""

    snapshots: int  # that the lake no longer knows
    rewritten: int  # files
    cleared: bool  # free pages of catalog and spool; False: others held them, or it is no SQLite
    strangers: int | None  # files that the catalog has not known for a week; None: cannot be listed


def waits(lake: Lake, *, now: datetime) -> bool:
    """Whether messages were taken out in the last six hours: `purge` can do nothing yet.

    Whoever takes out more before it has would have it wait for ever.
    """
    return _lately(lake, {"before": now - KEPT, "newest": lake.snapshot_id})


def purge(lake: Lake, *, now: datetime) -> Purged | None:
    """Bring off the disk what was deleted up to six hours ago; None: it has to wait.

    Snapshots older than that go: the lake can no longer be opened as it was then. Raises nothing of
    the lake: what is in its way tonight may not be tomorrow.
    """
    try:
        return _purged(lake, now)
    except (duckdb.Error, LakeLocked, OSError) as error:
        log.warning("purge_waits", error=type(error).__name__)
        return None


def _purged(lake: Lake, now: datetime) -> Purged | None:
    sql = statements("headrace.ingest", "purge.sql")
    given = {"before": now - KEPT, "newest": lake.snapshot_id}
    if _lately(lake, given):
        return None
    old = [snapshot for (snapshot,) in lake.sql(sql["old"], given).fetchall()]
    for start in range(0, len(old), MANY):
        _call(lake, "expire", {"snapshots": old[start : start + MANY]})
    _call(lake, "widen", {"tables": list(TABLES)})
    tidy(lake, TABLES, number=1, now=now)
    rewritten = 0
    for table in TABLES:
        rewritten += sum(int(row[2]) for row in _call(lake, "rewrite", {"table": table}))
    _call(lake, "widen", {"tables": list(TABLES)})
    strangers = _strangers(lake, now)
    return Purged(
        snapshots=len(old), rewritten=rewritten, cleared=_cleared(lake), strangers=strangers
    )


def _call(lake: Lake, name: str, given: Parameters) -> list[tuple[Any, ...]]:
    sql = statements("headrace.ingest", "purge.sql")[name]
    return lake.write(lambda tx: tx.run(sql, given))


def _lately(lake: Lake, given: Parameters) -> bool:
    """Whether messages were taken out in the last hours: whoever reads may need them still."""
    sql = statements("headrace.ingest", "purge.sql")
    [(young,)] = lake.sql(sql["young"], {"before": given["before"]}).fetchall()
    if young is None:
        return False
    [(count,)] = lake.sql(sql["taken"], {"first": young, "last": given["newest"]}).fetchall()
    return bool(count)


def _strangers(lake: Lake, now: datetime) -> int | None:
    """Count what killed transactions left, and tell of it.

    Not removed: to a catalog that is not the one of these files all of them are strangers.
    """
    sql = statements("headrace.ingest", "purge.sql")["strangers"]
    try:
        count = len(lake.sql(sql, {"before": now - STRANGE}).fetchall())
    except duckdb.Error as error:  # a bucket may let files be written and not listed
        log.warning("strange_files", error=type(error).__name__)
        return None
    if count:
        log.warning("strange_files", files=count)
    return count


def _cleared(lake: Lake) -> bool:
    """Write catalog and spool anew without the pages that are free: what was deleted stands there.

    A spool that holds much is left alone: who posts would wait. It shrinks by itself when it is
    drained.
    """
    settings, done = lake.settings, True
    kind, _, place = settings.catalog_uri.partition(":")
    if settings.spool_path.exists():
        small = settings.spool_path.stat().st_size <= SPOOL_BYTES
        done = small and _vacuumed(settings.spool_path)
    return kind == "sqlite" and _vacuumed(Path(place)) and done


def _vacuumed(path: Path) -> bool:
    """In a process of its own: DuckDB brings a second SQLite along, and two in one process, at one
    file, take away each other's locks."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "headrace.ingest.vacuum", str(path)],
            timeout=SECONDS,
            check=False,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
