"""Raw texts that have been in the lake for long enough go; what the scrub made of them stays.

A trace goes with the episodes that hold it, once all that came for them is old and their copies
stand. First it is marked, and what people said about it is scrubbed while its messages can still
tell names; then everything that is marked is emptied. Each transaction is small and finds out by
itself what is left to do: a run that dies is taken up by the next.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.curate.conversation import projects
from headrace.curate.errors import FinderError, ScrubKeyError
from headrace.curate.raw import husk
from headrace.curate.raw.due import Due
from headrace.curate.raw.said import Said, alone
from headrace.lake.errors import LakeLocked, MissingExtra
from headrace.lake.record import RetiredRow
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

CHUNK = 20_000  # traces and episodes of a transaction: each looks into whole tables
ROWS = 20_000  # rows that a transaction empties or takes out
MEMORY_MIB = 700  # of DuckDB
AWAY = (ScrubKeyError, MissingExtra, FinderError)  # nothing can be scrubbed, tonight

log = logging.getLogger(__name__)


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took out, and what it left."""

    before: datetime | None  # what came before it; None: raw texts are kept
    traces: int = 0
    episodes: int = 0
    gone: Mapping[str, int] = {}  # table -> rows that were emptied or taken out
    brought_back: int = 0  # messages that were sent again while they were taken out
    waiting: Mapping[str, int] = {}  # why -> traces, posted episodes and comments that are old

    def __str__(self) -> str:
        if self.before is None:
            return "raw texts are kept: HEADRACE_RAW_DAYS is not set"
        when = f"from before {self.before:%Y-%m-%d %H:%M} UTC"
        told = f"of raw texts {when} none went"
        if self.traces or self.episodes:
            told = f"raw texts {when} went: {self.traces:,} traces, {self.episodes:,} episodes"
        if self.brought_back:
            told = f"{told}; {self.brought_back:,} messages came back, as they were sent again"
        waits = [f"{count:,} {why}" for why, count in self.waiting.items()]
        return f"{told}; others wait: {', '.join(waits)}" if waits else told


def retire(lake: Lake, *, now: datetime, chunk: int = CHUNK, rows: int = ROWS) -> Retired:
    """Take out the raw texts that came more than `raw_days` ago and are needed no more.

    What is not assembled or not scrubbed yet waits, and so does what belongs to an episode that
    still grows. Nothing is done where the setting is absent. Bytes leave the disk with `purge`.
    What breaks in one project is raised once the others are done.
    """
    days = lake.settings.raw_days
    if days is None:
        return Retired(before=None)
    before = now - timedelta(days=days)
    marked: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    broke: list[Exception] = []
    with lake.within(MEMORY_MIB):
        back = bring_back(lake)
        for project in projects(lake):
            try:
                due = Due.of(lake, project, before=before, now=now)
                waiting.update(due.waiting)
                waiting.update(_marked(lake, project, due, chunk, marked))
                waiting.update(_looked(lake, project, before, rows))
            except LakeLocked:
                raise
            except Exception as error:  # of one project; others go on
                log.warning("not retired: %s: %s", project, type(error).__name__)
                broke.append(error)
        gone = husk.empty(lake, before=before, now=now, most=rows)
        back += bring_back(lake)
    if broke:
        raise broke[0]
    return Retired(
        before=before,
        traces=marked["trace"],
        episodes=marked["episode"],
        gone={table: count for table, count in sorted(gone.items()) if count},
        brought_back=back,
        waiting=dict(sorted((+waiting).items())),
    )


def bring_back(lake: Lake) -> int:
    """Put back messages that a writer counted on while they were taken out; how many.

    A span that names a message which is there brings none along: if the message is taken out in the
    same moment, the two transactions do not see each other in a Postgres catalog; in one of SQLite
    the later one starts again. What is deleted stands in older snapshots until the next night.
    """
    if not lake.rows(_sql("any_retired")):
        return 0
    missing = lake.table(_sql("missing"), tables={"named": lake.table(_sql("named"))})
    if not len(missing):
        return 0
    [(first, last)] = lake.sql(_sql("snapshots")).fetchall()
    given = {"first": first, "last": last}
    [(count,)] = lake.write(lambda tx: tx.run(_sql("bring_back"), given, {"missing": missing}))
    return int(count)


def _marked(
    lake: Lake, project: str, due: Due, chunk: int, marked: Counter[str]
) -> Mapping[str, int]:
    """Mark what is due; what waits as the key is away, say, and nothing can be scrubbed."""
    left = len(due)
    try:
        for part in due.parts(chunk):
            _mark(lake, project, part)
            marked.update(mark.kind for mark in part)
            left -= len(part)
    except AWAY:
        return {"not_scrubbable_now": left}
    return {}


def _mark(lake: Lake, project: str, part: Sequence[RetiredRow]) -> None:
    said = Said.about(lake, project, part)

    def write(tx: Transaction) -> None:
        said.write(tx)
        tx.append("retired", part)

    lake.write(write)


def _looked(lake: Lake, project: str, before: datetime, most: int) -> Counter[str]:
    """Scrub what was said about nothing that is kept raw; what of it waits."""
    waits: Counter[str] = Counter()
    for words in alone(lake, project, before=before, most=most):
        try:
            said = Said.of(lake, project, words)
        except AWAY:
            waits["comments_not_scrubbable_now"] += len(words)
            continue
        waits["comments_not_scrubbable"] += len(words) - len(said)
        if len(said):
            _resay(lake, said)
    return waits


def _resay(lake: Lake, said: Said) -> None:
    def write(tx: Transaction) -> None:
        said.write(tx)
        said.looked(tx)

    lake.write(write)


def _sql(name: str) -> str:
    return statements("headrace.curate", "retire.sql")[name]
