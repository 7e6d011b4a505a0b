"""Objects on the wire of protobuf: counted as they are, refused before they are built."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from headrace.ingest import census
from headrace.ingest.errors import Undecodable
from headrace.ingest.otlp import decode
from headrace.ingest.telemetry import Limits

JSON, PROTOBUF = "application/json", "application/x-protobuf"
Fill = Callable[[Any, int], object]  # puts so many empty things somewhere into a request

TRACES: dict[str, Fill] = {
    "resource attributes": lambda r, n: [r.resource.attributes.add() for _ in range(n)],
    "scope attributes": lambda r, n: [_scope(r).scope.attributes.add() for _ in range(n)],
    "attributes": lambda r, n: [_span(r).attributes.add() for _ in range(n)],
    "events": lambda r, n: [_span(r).events.add() for _ in range(n)],
    "event attributes": lambda r, n: [_event(r).attributes.add() for _ in range(n)],
    "links": lambda r, n: [_span(r).links.add() for _ in range(n)],
    "array": lambda r, n: [_value(r).array_value.values.add() for _ in range(n)],
    "kvlist": lambda r, n: [_value(r).kvlist_value.values.add() for _ in range(n)],
}


def _scope(group: Any) -> Any:
    return group.scope_spans[0] if group.scope_spans else group.scope_spans.add()


def _span(group: Any) -> Any:
    spans = _scope(group).spans
    return spans[0] if spans else spans.add(trace_id=b"\1" * 16, span_id=b"\1" * 8)


def _event(group: Any) -> Any:
    events = _span(group).events
    return events[0] if events else events.add()


def _value(group: Any) -> Any:
    pairs = _span(group).attributes
    return (pairs[0] if pairs else pairs.add()).value


def fits(wire: bytes, shape: census.Shape, **limits: int) -> bool:
    try:
        census.check(wire, shape, Limits(**{"spans": 1, **limits}))
    except Undecodable as error:
        assert "more than" in str(error)
        return False
    return True


@pytest.mark.parametrize("where", TRACES)
def test_objects_count_wherever_they_hide(where: str) -> None:
    request = ExportTraceServiceRequest()
    TRACES[where](request.resource_spans.add(), 50)
    wire = request.SerializeToString()
    smallest = next(n for n in range(1, 200) if fits(wire, census.TRACES, objects=n))
    assert 50 < smallest <= 50 + 8
    with pytest.raises(Undecodable, match=f"more than {smallest - 1} objects"):
        decode("traces", PROTOBUF, wire, Limits(spans=1, objects=smallest - 1))


@pytest.mark.parametrize("field", ["attributes", "body"])
def test_objects_of_log_records_count_too(field: str) -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    many = record.attributes if field == "attributes" else record.body.array_value.values
    for _ in range(50):
        many.add()
    wire = request.SerializeToString()
    assert not fits(wire, census.LOGS, objects=50)
    assert fits(wire, census.LOGS, objects=60)


def test_texts_and_numbers_are_no_objects() -> None:
    request = ExportTraceServiceRequest()
    for number in range(20):
        pair = _span(request.resource_spans.add()).attributes.add(key="k" * 200)
        pair.value.string_value = "\x4a\x00" * 500  # looks like attributes
        _span(request.resource_spans[number]).start_time_unix_nano = 2**63
    wire = request.SerializeToString()
    assert fits(wire, census.TRACES, spans=20, objects=100)
    assert not fits(
        wire, census.TRACES, spans=20, objects=99
    )  # 20 x group, scope, span, pair, value


@pytest.mark.parametrize("place", ["request", "group", "scope"])
def test_a_group_that_would_hide_the_rest_is_refused(place: str) -> None:
    hidden = b"\x9b\x06\x9c\x06"  # start and end of a group, which parsers skip
    spans = b"\x12\x02\x12\x00" * 50
    scope = hidden + spans if place == "scope" else spans
    inner = b"\x12" + _length(scope)
    group = b"\x0a" + _length(hidden + inner if place == "group" else inner)
    wire = hidden + group if place == "request" else group
    with pytest.raises(Undecodable, match="group"):
        decode("traces", PROTOBUF, wire, Limits(spans=10))


def test_a_tag_written_in_more_bytes_than_it_needs_counts_the_same() -> None:
    spans = b"\x92\x00\x00" * 50  # the tag 0x12 in two bytes
    wire = b"\x0a" + _length(b"\x92\x00" + _length(spans))
    with pytest.raises(Undecodable, match="more than 49 items"):
        decode("traces", PROTOBUF, wire, Limits(spans=49))
    with pytest.raises(Undecodable, match="no span has a valid"):
        decode("traces", PROTOBUF, wire, Limits(spans=50))


def _length(inner: bytes) -> bytes:
    size, out = len(inner), b""
    while size >= 0x80:
        out, size = out + bytes([size & 0x7F | 0x80]), size >> 7
    return out + bytes([size]) + inner


shapes = st.lists(st.lists(st.integers(0, 6), max_size=4), max_size=4)


@settings(max_examples=60, deadline=None)
@example(groups=[[], []], objects=1, spans=2)
@given(shapes, st.integers(1, 60), st.integers(1, 12))
def test_the_count_is_that_of_the_objects_in_json(
    groups: list[list[int]], objects: int, spans: int
) -> None:
    """Both encodings take and refuse the same requests; a JSON request itself is one object."""
    request = ExportTraceServiceRequest()
    told: list[dict[str, Any]] = []
    for sizes in groups:
        group = request.resource_spans.add()
        told.append({"scopeSpans": [{"spans": [{}] * size} for size in sizes]})
        for size in sizes:
            scope = group.scope_spans.add()
            for _ in range(size):
                scope.spans.add()
    text = json.dumps({"resourceSpans": told}).encode()
    answers = {
        _said(PROTOBUF, request.SerializeToString(), Limits(objects=objects, spans=spans)),
        _said(JSON, text, Limits(objects=objects + 1, spans=spans)),
    }
    if len(answers) > 1:  # over both limits: either may be named
        assert all("more than" in answer for answer in answers)


def _said(content_type: str, payload: bytes, limits: Limits) -> str:
    try:
        return str(len(decode("traces", content_type, payload, limits).spans))
    except Undecodable as error:
        return str(error).partition(" in one")[0].replace(f"{limits.objects} ob", "objects ob")
