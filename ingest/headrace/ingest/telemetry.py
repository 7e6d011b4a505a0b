"""Decoded telemetry, whatever its encoding was: what the conventions read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

Value = object  # str, bool, int, float, None, list or dict of these
Attributes = Mapping[str, Value]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 253_402_300_800 * 10**9  # the year 10000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may hold; what goes over a cap of a span is cut and counted."""

    spans: int = 50_000  # of a request, counted before objects are built; log records likewise
    objects: int = 1_000_000  # JSON objects of a request
    attributes: int = 4_096
    events: int = 2_048
    links: int = 128
    key_chars: int = 256
    text_chars: int = 16 * 1024 * 1024
    depth: int = 32  # of an attribute value


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    at: datetime | None
    attributes: Attributes


class LinkData(msgspec.Struct, frozen=True, kw_only=True):
    trace_id: str
    span_id: str


class SpanData(msgspec.Struct, frozen=True, kw_only=True):
    trace_id: str  # 32 lower-case hex digits
    span_id: str  # 16
    parent_span_id: str | None
    name: str
    started_at: datetime | None
    ended_at: datetime | None
    status: str  # ok, error, unset
    status_message: str
    attributes: Attributes
    events: tuple[EventData, ...]
    links: tuple[LinkData, ...]
    resource: Attributes
    scope: str
    dropped: int  # attributes, events and links lost in the product or cut here
    removed: tuple[str, ...] = ()  # kinds of secrets, one for each place


class LogData(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # event name, empty where the record has none
    trace_id: str | None
    span_id: str | None
    at: datetime | None
    attributes: Attributes
    body: Value
    resource: Attributes
    scope: str
    removed: tuple[str, ...] = ()  # kinds of secrets, one for each place


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One OTLP request."""

    spans: tuple[SpanData, ...] = ()
    logs: tuple[LogData, ...] = ()
    invalid: int = 0  # spans whose ids are missing, all zero or of the wrong length


def moment(nanoseconds: int) -> datetime | None:
    """UTC time of Unix nanoseconds; 0 and what no calendar holds are None."""
    if not 0 < nanoseconds < _LAST_NS:
        return None
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
