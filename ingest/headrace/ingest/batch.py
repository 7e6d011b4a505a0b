"""What goes through the spool into the lake: a body on one side, a batch of rows on the other."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Self

import msgspec

from headrace.lake.message import Message
from headrace.lake.record import Episode, LogEvent, Outcome, Span, Toolset
from headrace.lake.store import Transaction

Signal = Literal["traces", "logs", "episodes", "outcomes"]


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


def write(tx: Transaction, batch: Batch) -> None:
    """Put a batch into the lake so that a second delivery of the same rows changes nothing."""
    tx.add_new("messages", batch.messages, on=["hash"])
    tx.add_new("toolsets", batch.toolsets, on=["hash"])
    tx.upsert("spans", batch.spans, on=["project", "trace_id", "span_id"])
    tx.add_new(
        "log_events", batch.log_events, on=["project", "trace_id", "span_id", "name", "at", "body"]
    )
    tx.upsert("outcomes", batch.outcomes, on=["project", "outcome_id"])
    tx.add_new("episodes", batch.episodes, on=["project", "episode_id", "revision"])
