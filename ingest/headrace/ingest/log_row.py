"""Log records that carry content or evaluations, as rows of `log_events`."""

from datetime import datetime

from headrace.ingest.jsontext import cleaned
from headrace.ingest.span_row import stored
from headrace.ingest.telemetry import LogData
from headrace.lake.message import digest, dump
from headrace.lake.record import LogEvent

_FAMILIES = ("gen_ai.", "claude_code.")


def event_name(log: LogData) -> str:
    """The record's name: its own, the attribute of older exporters, or Claude Code's body."""
    name = log.name or str(log.attributes.get("event.name") or "")
    if not name.startswith(_FAMILIES) and str(log.body).startswith(_FAMILIES):
        return str(log.body)
    return name


def kept(log: LogData) -> bool:
    """Whether any convention uses such a record."""
    return event_name(log).startswith(_FAMILIES)


def row(log: LogData, *, project: str, received_at: datetime, nth: int = 0) -> LogEvent:
    name = event_name(log)
    trace_id = log.trace_id or _session(name, log)
    attributes = stored(log.attributes)
    body = None if log.body in (None, "") else dump(cleaned(log.body))
    said = [trace_id, log.span_id, name, log.at.isoformat() if log.at else None, attributes, body]
    return LogEvent(
        project=project,
        name=name,
        received_at=received_at,
        trace_id=trace_id,
        span_id=log.span_id,
        at=log.at,
        attributes=attributes,
        body=body,
        nth=nth,
        hash=digest(dump(said)),
    )


def _session(name: str, log: LogData) -> str | None:
    """Claude Code sends records without a trace unless asked for one: its session stands for it."""
    session = log.attributes.get("session.id")
    if not session or not name.startswith("claude_code."):
        return None
    return digest(f"claude_code {session}")
