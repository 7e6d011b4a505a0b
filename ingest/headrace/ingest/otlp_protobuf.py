"""OTLP in protobuf: the wire is counted before any object is built."""

import base64
import math
from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headrace.ingest import census
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
_UNREADABLE = (
    "no OTLP of this signal in protobuf encoding: traces belong to /v1/traces, logs to /v1/logs, "
    "JSON needs content-type: application/json"
)


class _Message(Protocol):
    def ParseFromString(self, serialized: bytes) -> int: ...


def traces(payload: bytes, limits: Limits) -> Export:
    """The spans of an `ExportTraceServiceRequest`. Raises Undecodable."""
    request = ExportTraceServiceRequest()
    _parse(request, payload, census.TRACES, limits)
    found = [
        (span, resource, scope.scope.name)
        for group in request.resource_spans
        for resource in [_attributes(group.resource.attributes, limits, [])]
        for scope in group.scope_spans
        for span in scope.spans
    ]
    spans = [_span(*item, limits) for item in found if _valid(item[0])]
    return Export(spans=tuple(spans), invalid=len(found) - len(spans))


def survey(payload: bytes, limits: Limits) -> tuple[int, int]:
    """How many spans of `traces` are valid and invalid, without building them.

    Raises Undecodable where `traces` does.
    """
    request = ExportTraceServiceRequest()
    _parse(request, payload, census.TRACES, limits)
    valid = invalid = 0
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                if _valid(span):
                    valid += 1
                else:
                    invalid += 1
    return valid, invalid


def logs(payload: bytes, limits: Limits) -> Export:
    """The records of an `ExportLogsServiceRequest`. Raises Undecodable."""
    request = ExportLogsServiceRequest()
    _parse(request, payload, census.LOGS, limits)
    return Export(
        logs=tuple(
            _log(record, resource, scope.scope.name, limits)
            for group in request.resource_logs
            for resource in [_attributes(group.resource.attributes, limits, [])]
            for scope in group.scope_logs
            for record in scope.log_records
        )
    )


def _parse(request: _Message, payload: bytes, shape: census.Shape, limits: Limits) -> None:
    census.check(payload, shape, limits)
    try:
        request.ParseFromString(payload)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        raise Undecodable(_UNREADABLE) from error


def _valid(span: Span) -> bool:
    return bool(_id(span.trace_id, 16) and _id(span.span_id, 8))


def _id(raw: bytes, size: int) -> str | None:
    """Hex of an id; None where it is absent, all zero or of another length."""
    return raw.hex() if len(raw) == size and any(raw) else None


def _span(span: Span, resource: dict[str, Value], scope: str, limits: Limits) -> SpanData:
    lost = [
        max(0, len(span.events) - limits.events),
        max(0, len(span.links) - limits.links),
        span.dropped_attributes_count,
    ]
    return SpanData(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=_id(span.parent_span_id, 8),
        name=span.name[: limits.text_chars],
        started_at=moment(span.start_time_unix_nano),
        ended_at=moment(span.end_time_unix_nano),
        status=_STATUS.get(span.status.code, "unset"),
        status_message=span.status.message[: limits.text_chars],
        attributes=_attributes(span.attributes, limits, lost),
        events=tuple(_event(event, limits, lost) for event in span.events[: limits.events]),
        links=tuple(
            LinkData(trace_id=_id(link.trace_id, 16) or "", span_id=_id(link.span_id, 8) or "")
            for link in span.links[: limits.links]
        ),
        resource=resource,
        scope=scope,
        dropped=sum(lost),
    )


def _event(event: Span.Event, limits: Limits, lost: list[int]) -> EventData:
    return EventData(
        name=event.name,
        at=moment(event.time_unix_nano),
        attributes=_attributes(event.attributes, limits, lost),
    )


def _log(record: LogRecord, resource: dict[str, Value], scope: str, limits: Limits) -> LogData:
    return LogData(
        name=record.event_name,
        trace_id=_id(record.trace_id, 16),
        span_id=_id(record.span_id, 8),
        at=moment(record.time_unix_nano or record.observed_time_unix_nano),
        attributes=_attributes(record.attributes, limits, []),
        body=_value(record.body, limits, limits.depth, []),
        resource=resource,
        scope=scope,
    )


def _attributes(pairs: Sequence[KeyValue], limits: Limits, lost: list[int]) -> dict[str, Value]:
    """What a cap cuts off is counted in `lost`."""
    if len(pairs) > limits.attributes:
        lost.append(len(pairs) - limits.attributes)
    kept, chars, depth = islice(pairs, limits.attributes), limits.key_chars, limits.depth
    return {pair.key[:chars]: _value(pair.value, limits, depth, lost) for pair in kept}


def _value(value: AnyValue, limits: Limits, depth: int, lost: list[int]) -> Value:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if depth == 0:
        lost.append(1)
        return None
    if kind == "string_value":
        text = value.string_value
        if len(text) > limits.text_chars:
            lost.append(1)
        return text[: limits.text_chars]
    if kind == "array_value":
        return [_value(item, limits, depth - 1, lost) for item in value.array_value.values]
    if kind == "kvlist_value":
        pairs, chars = value.kvlist_value.values, limits.key_chars
        return {pair.key[:chars]: _value(pair.value, limits, depth - 1, lost) for pair in pairs}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    if kind == "double_value" and not math.isfinite(value.double_value):
        return str(value.double_value)  # JSON has no word for it
    plain: Value = getattr(value, kind)
    return plain
