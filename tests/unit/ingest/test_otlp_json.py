"""OTLP in JSON as exporters of any language write it, and both encodings side by side."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from headrace.ingest.errors import Undecodable
from headrace.ingest.otlp import decode
from headrace.ingest.otlp_json import logs, traces
from headrace.ingest.telemetry import Limits, SpanData

JSON, PROTOBUF = "application/json", "application/x-protobuf"
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def one(limits: Limits | None = None, **fields: Any) -> SpanData:
    span = {"traceId": TRACE, "spanId": SPAN, "name": "x", **fields}
    payload = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    [read] = traces(payload, limits or Limits()).spans
    return read


def held(value: Any) -> object:
    return one(attributes=[{"key": "a", "value": value}]).attributes["a"]


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"resourceSpans":null}',
        b'{"resourceSpans":[]}',
        b'{"resourceSpans":[{"resource":null,"scopeSpans":null}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"scope":null,"spans":null}]}]}',
        b'{"resourceSpans":[{}],"unknown":{"deep":[1,{"a":null}]}}',
    ],
)
def test_a_request_without_spans_is_legal(payload: bytes) -> None:
    export = decode("traces", JSON, payload)
    assert (export.spans, export.invalid) == ((), 0)


def test_null_is_the_default_of_every_field() -> None:
    nothing = dict.fromkeys(
        (
            "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes", "events",
            "links", "status", "droppedAttributesCount",
        )
    )  # fmt: skip
    bare = one(name="")
    assert one(**nothing) == bare
    assert one(name="", status={"code": None, "message": None}) == bare
    told = one(
        attributes=[{"key": None, "value": None}],
        events=[{"name": None, "timeUnixNano": None, "attributes": None}],
        links=[{"traceId": None, "spanId": None}],
    )
    assert told.attributes == {"": None}
    assert (told.events[0].name, told.events[0].at, told.links[0].trace_id) == ("", None, "")


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (7, 7), ("7", 7), (-7, -7), (0, 0), (3.0, 3), (2**63 - 1, 2**63 - 1),
        (str(-(2**63)), -(2**63)),
    ],
)  # fmt: skip
def test_integers_come_as_numbers_or_as_text(number: Any, read: int) -> None:
    assert held({"intValue": number}) == read


@pytest.mark.parametrize("number", ["", "x", "1.5", 1.5, "9" * 5_000, 2**64, -(2**63) - 1, True])
def test_what_is_no_64_bit_integer_is_refused(number: Any) -> None:
    with pytest.raises(Undecodable):
        held({"intValue": number})


@pytest.mark.parametrize(
    ("number", "read"),
    [(1, 1.0), (0.25, 0.25), ("2.5", 2.5), ("Infinity", "inf"), ("NaN", "nan"), ("1e999", "inf")],
)
def test_doubles_are_finite_or_a_word(number: Any, read: object) -> None:
    assert held({"doubleValue": number}) == read


def test_a_double_that_is_no_number_is_refused_by_its_text() -> None:
    with pytest.raises(Undecodable, match="'plenty' is no number, NaN or Infinity"):
        held({"doubleValue": "plenty"})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        ({"stringValue": ""}, ""),
        ({"boolValue": False}, False),
        ({"intValue": 0}, 0),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": None}}, []),
        ({"arrayValue": {"values": [{}, {"boolValue": True}]}}, [None, True]),
        ({"kvlistValue": {}}, {}),
        ({"kvlistValue": {"values": [{"key": "k"}]}}, {"k": None}),
        ({"futureValue": 1}, None),
    ],
)
def test_empty_values_are_told_from_absent_ones(value: Any, read: object) -> None:
    assert held(value) == read


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0, "unset"), (1, "ok"), (2, "error"), ("2", "error"), ("STATUS_CODE_OK", "ok"),
        ("STATUS_CODE_ERROR", "error"), ("STATUS_CODE_UNSET", "unset"), (99, "unset"),
    ],
)  # fmt: skip
def test_a_status_is_a_number_or_a_name(code: Any, status: str) -> None:
    assert one(status={"code": code, "message": "m"}).status == status


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", None),
        ("0" * 16, None),
        (SPAN.upper(), SPAN),
        ("7uGbfsPBsXQ=", SPAN),  # base64 of the same eight bytes
        ("eee1", None),
        ("not hex at all!!", None),
    ],
)
def test_a_parent_is_hex_or_base64_of_eight_bytes_or_none(given: str, read: str | None) -> None:
    assert one(parentSpanId=given).parent_span_id == read


def test_a_cut_counts_what_the_product_lost_before() -> None:
    limits = Limits(links=1, events=1, attributes=1)
    link = {"traceId": TRACE, "spanId": SPAN}
    pair = {"key": "a", "value": {"intValue": 1}}
    fields: dict[str, Any] = {"droppedAttributesCount": "5"}
    fields |= {"links": [link] * 3, "events": [{"name": "e"}] * 4, "attributes": [pair] * 2}
    cut = one(limits, **fields)
    assert (len(cut.links), len(cut.events), len(cut.attributes)) == (1, 1, 1)
    assert cut.dropped == 5 + 2 + 3 + 1
    assert one(Limits(links=3, events=4, attributes=2), **fields).dropped == 5


def test_exactly_the_limit_of_spans_is_read() -> None:
    spans = [{"traceId": TRACE, "spanId": f"{n:016x}"} for n in range(1, 6)]
    payload = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    assert len(traces(payload, Limits(spans=5)).spans) == 5
    with pytest.raises(Undecodable, match="more than 4 items in one request: export smaller"):
        traces(payload, Limits(spans=4))


def test_log_records_have_the_same_limit() -> None:
    payload = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}] * 3}]}]}).encode()
    assert len(logs(payload, Limits(spans=3)).logs) == 3
    with pytest.raises(Undecodable, match="more than 2 items"):
        logs(payload, Limits(spans=2))


def test_texts_that_look_like_objects_are_not_counted_as_objects() -> None:
    payload = json.dumps({"a": '{"b": 1}' * 50}).encode()
    assert decode("traces", JSON, payload, Limits(objects=1)).spans == ()


@pytest.mark.parametrize("opener", ['{"a":1}', "{}", "{ }", "{\n}", "{\r}", "{\t}"])
def test_objects_are_counted_however_they_are_spaced(opener: str) -> None:
    payload = f'{{"x":[{",".join([opener] * 20)}]}}'.encode()
    assert decode("traces", JSON, payload, Limits(objects=21)).spans == ()
    with pytest.raises(Undecodable, match="more than 20 objects"):
        decode("traces", JSON, payload, Limits(objects=20))


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(Undecodable, match=r"resourceSpans\[0\].scopeSpans\[0\].spans\[0\].events"):
        one(events="none")


def test_resource_and_scope_belong_to_every_span_of_their_group() -> None:
    def group(name: str, count: int) -> dict[str, Any]:
        spans = [{"traceId": TRACE, "spanId": f"{ord(name) + n:016x}"} for n in range(count)]
        said = [{"key": "service.name", "value": {"stringValue": name}}]
        return {
            "resource": {"attributes": said},
            "scopeSpans": [{"scope": {"name": f"lib-{name}"}, "spans": spans}],
        }

    payload = json.dumps({"resourceSpans": [group("a", 2), group("k", 1)]}).encode()
    found = [(s.resource["service.name"], s.scope) for s in traces(payload, Limits()).spans]
    assert found == [("a", "lib-a"), ("a", "lib-a"), ("k", "lib-k")]


leaves = st.one_of(
    st.builds(lambda v: AnyValue(string_value=v), st.text(max_size=12)),
    st.builds(lambda v: AnyValue(bool_value=v), st.booleans()),
    st.builds(lambda v: AnyValue(int_value=v), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: AnyValue(double_value=v), st.floats()),
    st.builds(lambda v: AnyValue(bytes_value=v), st.binary(max_size=6)),
    st.just(AnyValue()),
)


def listed(values: list[AnyValue]) -> AnyValue:
    made = AnyValue()
    made.array_value.values.extend(values)
    return made


def mapped(pairs: dict[str, AnyValue]) -> AnyValue:
    made = AnyValue()
    made.kvlist_value.SetInParent()
    for key, value in pairs.items():
        made.kvlist_value.values.add(key=key).value.CopyFrom(value)
    return made


values = st.recursive(
    leaves,
    lambda inner: (
        st.builds(listed, st.lists(inner, min_size=1, max_size=3))
        | st.builds(mapped, st.dictionaries(st.text(max_size=4), inner, min_size=1, max_size=3))
    ),
    max_leaves=6,
)
attributes = st.dictionaries(st.text(max_size=6), values, max_size=5)
times = st.integers(0, 2**64 - 1)
ids = st.sampled_from([b"", bytes(8), bytes(16), b"\1" * 8, b"\xab" * 16, b"\2" * 3, b"\3" * 17])


@st.composite
def trace_requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    scope = group.scope_spans.add()
    scope.scope.name = draw(st.text(max_size=5))
    put(group.resource.attributes, draw(attributes))
    for number in range(draw(st.integers(1, 3))):
        span = scope.spans.add(
            trace_id=b"\7" * 16 if number == 0 else draw(ids),
            span_id=b"\7" * 8 if number == 0 else draw(ids),
            parent_span_id=draw(ids),
            name=draw(st.text(max_size=12)),
            start_time_unix_nano=draw(times),
            end_time_unix_nano=draw(times),
            dropped_attributes_count=draw(st.integers(0, 2**32 - 1)),
        )
        put(span.attributes, draw(attributes))
        span.status.code = draw(st.sampled_from([0, 1, 2]))
        span.status.message = draw(st.text(max_size=12))
        for _ in range(draw(st.integers(0, 3))):
            event = span.events.add(name=draw(st.text(max_size=4)), time_unix_nano=draw(times))
            put(event.attributes, draw(attributes))
            span.links.add(trace_id=draw(ids), span_id=draw(ids))
    return made


@st.composite
def log_requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    scope = made.resource_logs.add().scope_logs.add()
    for _ in range(draw(st.integers(1, 3))):
        record = scope.log_records.add(
            trace_id=draw(ids),
            span_id=draw(ids),
            event_name=draw(st.text(max_size=6)),
            time_unix_nano=draw(times),
            observed_time_unix_nano=draw(times),
            body=draw(values),
        )
        put(record.attributes, draw(attributes))
    return made


def put(field: Any, pairs: dict[str, AnyValue]) -> None:
    for key, value in pairs.items():
        field.add(key=key).value.CopyFrom(value)


LIMITS = Limits(attributes=4, events=2, links=2, key_chars=5, text_chars=8, depth=3)


@settings(max_examples=80, deadline=None)
@given(trace_requests())
def test_a_trace_reads_the_same_in_both_encodings(request: ExportTraceServiceRequest) -> None:
    binary = decode("traces", PROTOBUF, request.SerializeToString(), LIMITS)
    assert binary == decode("traces", JSON, MessageToJson(request).encode(), LIMITS)
    json.dumps([dict(span.attributes) for span in binary.spans], allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(log_requests())
def test_a_log_record_reads_the_same_in_both_encodings(request: ExportLogsServiceRequest) -> None:
    binary = decode("logs", PROTOBUF, request.SerializeToString(), LIMITS)
    assert binary == decode("logs", JSON, MessageToJson(request).encode(), LIMITS)
