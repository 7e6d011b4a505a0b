"""Joining log records with the spans of their traces, in the lake."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from headrace.curate import log_content
from headrace.curate.batch import batches
from headrace.curate.log_content import Told
from headrace.lake.record import JoinedTrace, LogEvent, Record, Span
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

EVENTS = 2_000  # log records of a transaction, at least: a body may have megabytes
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

R = TypeVar("R", bound=Record)


def join(lake: Lake, project: str, *, events: int = EVENTS) -> int:
    """Give the calls of a project the messages that came in log records; how many traces changed.

    Only traces are read whose records or spans are new since they were last joined. Each batch is
    one transaction: a run that dies is taken up where it stood.
    """
    where = {"project": project, "names": list(log_content.NAMES), "made": log_content.MADE}
    any_logs = lake.rows(_sql("any_logs"), {key: where[key] for key in ("project", "names")})
    due = lake.rows(_sql("traces_with_logs"), where) if any_logs else []
    for batch in batches(due, lambda row: int(row["events"]), events):
        _join(lake, where, batch)
    return len(due)


def _join(lake: Lake, where: Mapping[str, object], due: Sequence[Mapping[str, Any]]) -> None:
    traces = [
        JoinedTrace(**{key: row[key] for key in JoinedTrace.__struct_fields__}) for row in due
    ]
    among = {"project": where["project"], "traces": [trace.trace_id for trace in traces]}
    among |= _bounds(due)
    told = _told(lake, among, where["names"])

    def write(tx: Transaction) -> None:
        tx.run(_sql("gone_spans"), {**among, "made": where["made"]})
        tx.add_new("messages", told.messages, on=["hash"])
        tx.add_new("toolsets", told.toolsets, on=["hash"])
        tx.keep_latest("spans", told.spans, on=["project", "trace_id", "span_id"], by="ended_at")
        tx.upsert("joined_traces", traces, on=["project", "trace_id"])

    lake.write(write)


def _bounds(due: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """When the first and the last record or call of these traces was: files of other times rest."""
    first = [row["first"] for row in due if row["first"] is not None]
    last = [row["last"] for row in due if row["last"] is not None]
    return {"first": min(first, default=_EPOCH), "last": max(last, default=_EPOCH)}


def _told(lake: Lake, among: Mapping[str, object], names: object) -> Told:
    """All traces at once: spans and records meet by trace and span id."""
    spans = _records(Span, lake.rows(_sql("calls_of_traces"), among))
    events = _records(LogEvent, lake.rows(_sql("logs_of_traces"), {**among, "names": names}))
    return log_content.told(spans, events)


def _records(kind: type[R], rows: Iterable[Mapping[str, Any]]) -> list[R]:
    return [msgspec.convert(row, kind) for row in rows]


def _sql(name: str) -> str:
    return statements("headrace.curate", "log_join.sql")[name]
