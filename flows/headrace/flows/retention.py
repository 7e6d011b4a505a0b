"""Raw texts go at the end of a night, where the settings say how long they are kept."""

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import duckdb
import structlog

from headrace.curate.retire import Retired, bring_back, retire
from headrace.flows.clock import leap
from headrace.flows.night import Line
from headrace.ingest.purge import Purged, purge, waits
from headrace.lake import Lake
from headrace.lake.errors import HeadraceError, LakeLocked

STEP = "retire"
EVERYWHERE = "all projects"  # messages are shared by projects
_LATELY = (
    "raw texts went less than six hours ago: no more go before those can leave the disk, which a"
    " later night brings about"
)

log = structlog.get_logger("headrace.night")


def prepare(lake: Lake) -> None:
    """Before anything is read: what was sent again while it was taken out the night before.

    Whatever the settings say by now. Raises nothing of the lake: a step that misses a message says
    so, and others go on.
    """
    try:
        if back := bring_back(lake):
            log.info("messages_brought_back", messages=back)
    except (duckdb.Error, LakeLocked, OSError) as error:
        log.warning("bringing_back_waits", error=type(error).__name__)


def retain(lake: Lake, *, until: datetime) -> tuple[Line, ...]:
    """Bring off the disk what went the night before, then take out what is old by now.

    A night that takes a later time as its own does not make anything older. Raises nothing, as a
    step does not: what is in its way tonight may not be tomorrow, and the night is to be recorded.
    """
    if lake.settings.raw_days is None:
        return ()
    now = datetime.now(UTC)
    try:
        if found := leap(lake, now=now):
            return (_doubted(found),)
        if waits(lake, now=now):
            return (Line(project=EVERYWHERE, step=STEP, state="refused", said=_LATELY),)
        purged = purge(lake, now=now)
        return (_line(retire(lake, now=min(until, now)), purged),)
    except HeadraceError as error:
        return (_failed(str(error)),)
    except Exception as error:  # its words may quote what people said: they are not kept
        traceback.print_exception(error)
        return (_failed(f"{type(error).__name__}: see the log"),)


def _failed(why: str) -> Line:
    said = f"{why}; what was begun goes on the next night"
    return Line(project=EVERYWHERE, step=STEP, state="failed", said=said)


def _doubted(found: timedelta) -> Line:
    days = found / timedelta(days=1)
    said = (
        f"by the clock no night ended for {days:,.1f} days, longer than usual: nothing went; set "
        "the clock where it is ahead, else raw texts go from the first night after a day on"
    )
    return Line(project=EVERYWHERE, step=STEP, state="refused", said=said)


def _line(found: Retired, purged: Purged | None) -> Line:
    off = "" if purged else "; nothing left the disk: others held the catalog"
    return Line(
        project=EVERYWHERE,
        step=STEP,
        said=f"{found}{off}",
        seen=found.traces + found.episodes + sum(found.waiting.values()),
        kept=found.traces + found.episodes,
        dropped=found.waiting,
        notes={**found.gone, **_notes(purged)},
    )


def _notes(purged: Purged | None) -> Mapping[str, int]:
    """What left the disk of what had gone before."""
    if purged is None:
        return {}
    told = {"snapshots_expired": purged.snapshots, "files_rewritten": purged.rewritten}
    if not purged.cleared:
        told["catalog_not_cleared"] = 1
    if purged.strangers:
        told["strange_files"] = purged.strangers
    return told
