"""OTLP in protobuf: the wire is counted before any object is built."""

import base64
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headrace.ingest.errors import Undecodable
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

_STATUS = {1: "ok", 2: "error"}
_ITEMS = (1, 2, 2)  # field numbers: resource_spans, scope_spans, spans; logs have the same
_UNREADABLE = (
    "no OTLP of this signal in protobuf encoding: traces belong to /v1/traces, logs to /v1/logs, "
    "JSON needs content-type: application/json"
)
_LENGTH_DELIMITED = 2
_FIXED = {1: 8, 5: 4}


class _Message(Protocol):
    def ParseFromString(self, serialized: bytes) -> int: ...


def traces(payload: bytes, limits: Limits) -> Export:
    """The spans of an `ExportTraceServiceRequest`. Raises Undecodable."""
    request = ExportTraceServiceRequest()
    _parse(request, payload, limits)
    found = [
        (span, _attributes(group.resource.attributes, limits), scope.scope.name)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
    spans = [_span(*item, limits) for item in found if _valid(item[0])]
    return Export(spans=tuple(spans), invalid=len(found) - len(spans))


def logs(payload: bytes, limits: Limits) -> Export:
    """The records of an `ExportLogsServiceRequest`. Raises Undecodable."""
    request = ExportLogsServiceRequest()
    _parse(request, payload, limits)
    return Export(
        logs=tuple(
            _log(record, resource, scope.scope.name, limits)
            for group in request.resource_logs
            for resource in [_attributes(group.resource.attributes, limits)]
            for scope in group.scope_logs
            for record in scope.log_records
        )
    )


def _parse(request: _Message, payload: bytes, limits: Limits) -> None:
    try:
        count = sum(1 for _ in islice(_fields(payload, _ITEMS), limits.spans + 1))
    except IndexError:
        count = 0  # a broken wire: the parser says the same with its own words
    if count > limits.spans:
        raise Undecodable(f"more than {limits.spans} items in one request: export smaller batches")
    try:
        request.ParseFromString(payload)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        raise Undecodable(_UNREADABLE) from error


def _fields(wire: bytes, path: Sequence[int]) -> Iterator[None]:
    """One item for every message at a path of field numbers; raises IndexError where cut off."""
    for number, start, end in _messages(wire, 0, len(wire)):
        if number == path[0]:
            yield from _below(wire, start, end, path[1:])


def _below(wire: bytes, start: int, end: int, path: Sequence[int]) -> Iterator[None]:
    if not path:
        yield None
        return
    for number, inner, stop in _messages(wire, start, end):
        if number == path[0]:
            yield from _below(wire, inner, stop, path[1:])


def _messages(wire: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    while at < end:
        tag, at = _varint(wire, at)
        kind = tag & 7
        if kind == _LENGTH_DELIMITED:
            size, at = _varint(wire, at)
            yield tag >> 3, at, min(at + size, end)
            at += size
        elif kind == 0:
            _, at = _varint(wire, at)
        else:
            at += _FIXED.get(kind, end)


def _varint(wire: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = wire[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80 or shift > 63:
            return value, at
        shift += 7


def _valid(span: Span) -> bool:
    return bool(_id(span.trace_id, 16) and _id(span.span_id, 8))


def _id(raw: bytes, size: int) -> str | None:
    """Hex of an id; None where it is absent, all zero or of another length."""
    return raw.hex() if len(raw) == size and any(raw) else None


def _span(span: Span, resource: dict[str, Value], scope: str, limits: Limits) -> SpanData:
    cut = max(0, len(span.attributes) - limits.attributes)
    cut += max(0, len(span.events) - limits.events) + max(0, len(span.links) - limits.links)
    return SpanData(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=_id(span.parent_span_id, 8),
        name=span.name[: limits.text_chars],
        started_at=moment(span.start_time_unix_nano),
        ended_at=moment(span.end_time_unix_nano),
        status=_STATUS.get(span.status.code, "unset"),
        status_message=span.status.message[: limits.text_chars],
        attributes=_attributes(span.attributes, limits),
        events=tuple(_event(event, limits) for event in span.events[: limits.events]),
        links=tuple(
            LinkData(trace_id=_id(link.trace_id, 16) or "", span_id=_id(link.span_id, 8) or "")
            for link in span.links[: limits.links]
        ),
        resource=resource,
        scope=scope,
        dropped=cut + span.dropped_attributes_count,
    )


def _event(event: Span.Event, limits: Limits) -> EventData:
    return EventData(
        name=event.name,
        at=moment(event.time_unix_nano),
        attributes=_attributes(event.attributes, limits),
    )


def _log(record: LogRecord, resource: dict[str, Value], scope: str, limits: Limits) -> LogData:
    return LogData(
        name=record.event_name,
        trace_id=_id(record.trace_id, 16),
        span_id=_id(record.span_id, 8),
        at=moment(record.time_unix_nano or record.observed_time_unix_nano),
        attributes=_attributes(record.attributes, limits),
        body=_value(record.body, limits, limits.depth),
        resource=resource,
        scope=scope,
    )


def _attributes(pairs: Iterable[KeyValue], limits: Limits) -> dict[str, Value]:
    kept = islice(pairs, limits.attributes)
    return {p.key[: limits.key_chars]: _value(p.value, limits, limits.depth) for p in kept}


def _value(value: AnyValue, limits: Limits, depth: int) -> Value:
    kind = value.WhichOneof("value")
    if kind is None or depth == 0:
        return None
    if kind == "string_value":
        return value.string_value[: limits.text_chars]
    if kind == "array_value":
        return [_value(item, limits, depth - 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {p.key: _value(p.value, limits, depth - 1) for p in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    if kind == "double_value" and not math.isfinite(value.double_value):
        return str(value.double_value)  # JSON has no word for it
    plain: Value = getattr(value, kind)
    return plain
