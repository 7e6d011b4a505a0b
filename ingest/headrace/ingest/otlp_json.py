"""OTLP in JSON, read as leniently as the specification asks: only what is named here is built."""

import base64
import binascii
import math
from itertools import islice
from typing import TypeVar

import msgspec

from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import clean, whole
from headrace.ingest.telemetry import (
    EventData,
    Export,
    Limits,
    LinkData,
    LogData,
    SpanData,
    Value,
    moment,
)

# null is a field's default (proto3 JSON mapping); 64-bit integers come as numbers or as strings
_Text = str | None
_Number = int | float | str | None
_STATUS = {"1": "ok", "2": "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}


class _Json(msgspec.Struct, rename="camel"):
    """A message of the protocol; unknown fields are skipped."""


class _Any(_Json):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | float | str | None = None
    double_value: float | str | None = None
    array_value: "_Array | None" = None
    kvlist_value: "_Pairs | None" = None
    bytes_value: str | None = None


_EMPTY = _Any()


class _Array(_Json):
    values: list[_Any] | None = None


class _Pair(_Json):
    key: _Text = ""
    value: _Any | None = None


class _Pairs(_Json):
    values: list[_Pair] | None = None


class _Holder(_Json):
    attributes: list[_Pair] | None = None


class _Scope(_Json):
    name: _Text = ""


class _Event(_Holder):
    name: _Text = ""
    time_unix_nano: _Number = 0


class _Link(_Json):
    trace_id: _Text = ""
    span_id: _Text = ""


class _Status(_Json):
    code: _Number = 0
    message: _Text = ""


class _Span(_Holder):
    trace_id: _Text = ""
    span_id: _Text = ""
    parent_span_id: str | None = None
    name: _Text = ""
    start_time_unix_nano: _Number = 0
    end_time_unix_nano: _Number = 0
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    status: _Status | None = None
    dropped_attributes_count: _Number = 0


class _Record(_Holder):
    trace_id: str | None = None
    span_id: str | None = None
    event_name: _Text = ""
    time_unix_nano: _Number = 0
    observed_time_unix_nano: _Number = 0
    body: _Any | None = None


class _ScopeSpans(_Json):
    scope: _Scope | None = None
    spans: list[_Span] | None = None


class _ScopeLogs(_Json):
    scope: _Scope | None = None
    log_records: list[_Record] | None = None


class _ResourceSpans(_Json):
    resource: _Holder | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _ResourceLogs(_Json):
    resource: _Holder | None = None
    scope_logs: list[_ScopeLogs] | None = None


class TracesRequest(_Json):
    resource_spans: list[_ResourceSpans] | None = None


class LogsRequest(_Json):
    resource_logs: list[_ResourceLogs] | None = None


T = TypeVar("T")


def traces(payload: bytes, limits: Limits) -> Export:
    """The spans of an `ExportTraceServiceRequest` in JSON. Raises Undecodable."""
    found = [
        (span, resource, _named(scope.scope))
        for group in _decoded(payload, TracesRequest, limits).resource_spans or ()
        for resource in [_attributes(group.resource, limits, [])]
        for scope in group.scope_spans or ()
        for span in scope.spans or ()
    ]
    _bounded(len(found), limits)
    spans = [_span(*item, limits) for item in found]
    kept = tuple(span for span in spans if span.trace_id and span.span_id)
    return Export(spans=kept, invalid=len(found) - len(kept))


def logs(payload: bytes, limits: Limits) -> Export:
    """The records of an `ExportLogsServiceRequest` in JSON. Raises Undecodable."""
    found = [
        (record, resource, _named(scope.scope))
        for group in _decoded(payload, LogsRequest, limits).resource_logs or ()
        for resource in [_attributes(group.resource, limits, [])]
        for scope in group.scope_logs or ()
        for record in scope.log_records or ()
    ]
    _bounded(len(found), limits)
    return Export(logs=tuple(_log(*item, limits) for item in found))


def _decoded(payload: bytes, shape: type[T], limits: Limits) -> T:
    objects = sum(payload.count(opener) for opener in (b'{"', b"{}", b"{ ", b"{\n", b"{\r", b"{\t"))
    if objects > limits.objects:
        raise Undecodable(f"more than {limits.objects} objects in one request: send fewer spans")
    try:
        return msgspec.json.decode(whole(payload), type=shape)
    except RecursionError as error:
        raise Undecodable("JSON nested too deeply") from error
    except (ValueError, MemoryError) as error:
        raise Undecodable(f"no OTLP in JSON encoding: {error}") from error


def _named(scope: _Scope | None) -> str:
    return (scope.name if scope else None) or ""


def _bounded(count: int, limits: Limits) -> None:
    if count > limits.spans:
        raise Undecodable(f"more than {limits.spans} items in one request: export smaller batches")


def _span(span: _Span, resource: dict[str, Value], scope: str, limits: Limits) -> SpanData:
    events, links = span.events or [], span.links or []
    lost = [
        max(0, len(events) - limits.events),
        max(0, len(links) - limits.links),
        _integer(span.dropped_attributes_count),
    ]
    status = span.status or _Status()
    return SpanData(
        trace_id=_id(span.trace_id, 16) or "",
        span_id=_id(span.span_id, 8) or "",
        parent_span_id=_id(span.parent_span_id, 8),
        name=(span.name or "")[: limits.text_chars],
        started_at=moment(_integer(span.start_time_unix_nano)),
        ended_at=moment(_integer(span.end_time_unix_nano)),
        status=_STATUS.get(str(status.code), "unset"),
        status_message=(status.message or "")[: limits.text_chars],
        attributes=_attributes(span, limits, lost),
        events=tuple(_event(event, limits, lost) for event in events[: limits.events]),
        links=tuple(_link(link) for link in links[: limits.links]),
        resource=resource,
        scope=scope,
        dropped=sum(lost),
    )


def _event(event: _Event, limits: Limits, lost: list[int]) -> EventData:
    at = moment(_integer(event.time_unix_nano))
    return EventData(name=event.name or "", at=at, attributes=_attributes(event, limits, lost))


def _link(link: _Link) -> LinkData:
    return LinkData(trace_id=_id(link.trace_id, 16) or "", span_id=_id(link.span_id, 8) or "")


def _log(record: _Record, resource: dict[str, Value], scope: str, limits: Limits) -> LogData:
    at = _integer(record.time_unix_nano) or _integer(record.observed_time_unix_nano)
    return LogData(
        name=record.event_name or "",
        trace_id=_id(record.trace_id, 16),
        span_id=_id(record.span_id, 8),
        at=moment(at),
        attributes=_attributes(record, limits, []),
        body=_value(record.body, limits, limits.depth, []),
        resource=resource,
        scope=scope,
    )


def _attributes(holder: _Holder | None, limits: Limits, lost: list[int]) -> dict[str, Value]:
    """What a cap cuts off is counted in `lost`."""
    pairs = (holder.attributes if holder else None) or []
    if len(pairs) > limits.attributes:
        lost.append(len(pairs) - limits.attributes)
    kept, depth = islice(pairs, limits.attributes), limits.depth
    return {(p.key or "")[: limits.key_chars]: _value(p.value, limits, depth, lost) for p in kept}


def _value(value: _Any | None, limits: Limits, depth: int, lost: list[int]) -> Value:
    if value is None:
        return None
    if depth == 0:
        lost.append(int(value != _EMPTY))
        return None
    if value.string_value is not None:
        if len(value.string_value) > limits.text_chars:
            lost.append(1)
        return clean(value.string_value[: limits.text_chars])
    if value.array_value is not None:
        items = value.array_value.values or ()
        return [_value(item, limits, depth - 1, lost) for item in items]
    if value.kvlist_value is not None:
        pairs, chars = value.kvlist_value.values or (), limits.key_chars
        return {(p.key or "")[:chars]: _value(p.value, limits, depth - 1, lost) for p in pairs}
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.double_value is not None:
        return _double(value.double_value)
    return value.bool_value if value.bool_value is not None else value.bytes_value


def _integer(number: _Number) -> int:
    try:
        value = 0 if number is None else int(number)
    except (ValueError, OverflowError) as error:
        raise _no_integer(number) from error
    broken = isinstance(number, float) and value != number
    if broken or not -(2**63) <= value < 2**64:
        raise _no_integer(number)
    return value


def _no_integer(number: _Number) -> Undecodable:
    return Undecodable(f"{str(number)[:40]!r} is no 64-bit integer")


def _double(number: float | str) -> Value:
    try:
        value = float(number)
    except ValueError as error:
        raise Undecodable(f"{str(number)[:40]!r} is no number, NaN or Infinity") from error
    return value if math.isfinite(value) else str(value)


def _id(text: str | None, size: int) -> str | None:
    """Lower-case hex of an id in hex or base64; None where absent, all zero or neither."""
    raw = _bytes(text or "", size)
    return raw.hex() if any(raw) else None


def _bytes(text: str, size: int) -> bytes:
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * size else base64.b64decode(text)
    except (ValueError, binascii.Error):
        return b""
    return raw if len(raw) == size else b""
