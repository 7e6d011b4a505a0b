"""What goes through the spool into the lake: a body on one side, a batch of rows on the other."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from headrace.lake.message import Message
from headrace.lake.record import Episode, LogEvent, Outcome, Span, Toolset
from headrace.lake.statement import statements

if TYPE_CHECKING:
    from headrace.lake.store import Transaction

Signal = Literal["traces", "logs", "episodes", "outcomes"]

CONTENT = "headrace.content"  # key in an episode's `metadata`: the hash that tells a new revision
# Begins the id of a mark that its producer revises under one name. Telemetry comes in any order,
# so that of these the later said stands; of posted ones with one id the later written.
REVISED = "revised:"


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One acknowledged request, as the spool gives it back."""

    seq: int
    signal: Signal
    content_type: str  # media type without parameters
    payload: bytes  # decompressed
    received_at: datetime
    project: str | None = None  # of the key or the header; None: the payload says, else `default`


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that one lake transaction writes."""

    messages: tuple[Message, ...] = ()
    toolsets: tuple[Toolset, ...] = ()
    spans: tuple[Span, ...] = ()
    log_events: tuple[LogEvent, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    episodes: tuple[Episode, ...] = ()

    @classmethod
    def union(cls, batches: Iterable[Self]) -> Self:
        """All rows of several batches, in their order."""
        parts = list(batches)
        return cls(
            **{
                field: tuple(row for part in parts for row in getattr(part, field))
                for field in cls.__struct_fields__
            }
        )


def write(tx: "Transaction", batch: Batch) -> int:
    """Put a batch into the lake so that a second delivery of the same rows changes nothing.

    How many episodes were new or became a new revision.
    """
    tx.add_new("messages", batch.messages, on=["hash"])
    tx.add_new("toolsets", batch.toolsets, on=["hash"])
    tx.keep_latest("spans", batch.spans, on=["project", "trace_id", "span_id"], by="ended_at")
    tx.add_new("log_events", batch.log_events, on=["project", "hash"])
    tx.upsert("outcomes", _standing(tx, batch.outcomes), on=["project", "outcome_id"])
    return tx.append("episodes", _revised(tx, batch.episodes))


def _standing(tx: "Transaction", outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The marks without those that are older than the revision that stands."""
    ids = sorted({row.outcome_id for row in outcomes if row.outcome_id.startswith(REVISED)})
    sql = statements("headrace.ingest", "load.sql")["standing_marks"]
    rows = tx.run(sql, {"ids": ids}) if ids else []
    latest = {(project, name): at for project, name, at in rows}
    kept: list[Outcome] = []
    for row in outcomes:
        key = (row.project, row.outcome_id)
        if row.outcome_id.startswith(REVISED):
            if row.at < latest.get(key, row.at):
                continue
            latest[key] = row.at
        kept.append(row)
    return kept


def _revised(tx: "Transaction", episodes: Sequence[Episode]) -> list[Episode]:
    """The episodes that say something new, each with the revision that comes next."""
    fresh: list[Episode] = []
    known = {key: row for name in _projects(episodes) for key, row in _current(tx, name, episodes)}
    for episode in episodes:
        key = (episode.project, episode.episode_id)
        content = json.loads(episode.metadata).get(CONTENT)
        revision, standing = known.get(key, (0, None))
        if revision and standing == content:
            continue
        known[key] = (revision + 1, content)
        fresh.append(msgspec.structs.replace(episode, revision=revision + 1))
    return fresh


def _projects(episodes: Sequence[Episode]) -> list[str]:
    return sorted({episode.project for episode in episodes})


def _current(
    tx: "Transaction", project: str, episodes: Sequence[Episode]
) -> Iterator[tuple[tuple[str, str], tuple[int, str | None]]]:
    """Key, revision and content of the episodes that the lake knows already."""
    ids = sorted({row.episode_id for row in episodes if row.project == project})
    sql = statements("headrace.ingest", "load.sql")["current_contents"]
    for name, revision, content in tx.run(sql, {"project": project, "ids": ids}):
        yield (project, name), (revision, content)
