"""Decoding of both encodings: the same spans, and no body that can hurt."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from headrace.ingest.errors import Undecodable
from headrace.ingest.otlp import decode
from headrace.ingest.telemetry import Limits

JSON, PROTOBUF = "application/json", "application/x-protobuf"
EDGE = Path(__file__).parents[2] / "fixtures" / "otlp" / "receiver_edge"
CASES = json.loads((EDGE / "manifest.json").read_text("utf-8"))["cases"]
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def body(case: dict[str, Any]) -> bytes:
    sent: bytes = (EDGE / case["file"]).read_bytes()
    match case["content_encoding"]:
        case "gzip":
            return gzip.decompress(sent)
        case "deflate":
            return zlib.decompress(sent)
    return sent


def decoded(case: dict[str, Any]) -> int:
    try:
        decode("traces", case["content_type"].split(";")[0], body(case))
    except Undecodable:
        return 400
    return 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_edge_cases_decode_or_are_refused(case: dict[str, Any]) -> None:
    expected = case["expect"]["status"]
    if case["content_encoding"] == "br2":
        pytest.skip("encodings are undone before decoding")
    assert decoded(case) in {415: (400,), "200 or 400": (200, 400)}.get(expected, (expected,))


def test_both_encodings_give_the_same_spans() -> None:
    binary = decode("traces", PROTOBUF, (EDGE / "ok.bin").read_bytes()).spans
    text = decode("traces", JSON, (EDGE / "ok.json").read_bytes()).spans
    assert len(binary) == len(text) == 2
    assert [span.name for span in binary] == [span.name for span in text]
    assert [sorted(span.attributes) for span in binary] == [sorted(s.attributes) for s in text]
    assert all(span.started_at and span.started_at.tzinfo for span in (*binary, *text))


def test_ids_compare_in_lower_case_hex() -> None:
    upper = decode("traces", JSON, (EDGE / "upper_hex_numeric_ints.json").read_bytes()).spans
    assert upper[0].trace_id == upper[0].trace_id.lower()
    assert upper[0].attributes["server.port"] == 8700


def test_zero_ids_are_counted_and_the_rest_is_kept() -> None:
    export = decode("traces", JSON, (EDGE / "zero_trace_id.json").read_bytes())
    assert (len(export.spans), export.invalid) == (1, 1)


def test_base64_ids_of_the_right_length_are_read() -> None:
    spans = decode("traces", JSON, one_span(traceId="W47/95gDgQPSabYzgT/GDA==")).spans
    assert spans[0].trace_id == TRACE


@pytest.mark.parametrize(
    "identity", ["", "zz", "0" * 32, "5b8e", "g" * 32, "5b8efff798038103d269b633813fc60c00"]
)
def test_a_request_without_a_valid_span_is_refused_with_a_hint(identity: str) -> None:
    with pytest.raises(Undecodable, match="/v1/logs"):
        decode("traces", JSON, one_span(traceId=identity))


def test_logs_posted_as_traces_are_refused_with_a_hint() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = 1
    for payload in (request.SerializeToString(), b"\x0a\x04\x12\x02\x12\x00"):
        with pytest.raises(Undecodable, match="/v1/logs|logs to"):
            decode("traces", PROTOBUF, payload)


def test_every_kind_of_value_is_read() -> None:
    values = {
        "text": {"stringValue": "a"},
        "truth": {"boolValue": False},
        "number": {"intValue": "7"},
        "double": {"doubleValue": 0.5},
        "nan": {"doubleValue": "NaN"},
        "endless": {"doubleValue": "-Infinity"},
        "bytes": {"bytesValue": "AQI="},
        "list": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "b"}]}},
        "map": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}},
        "nothing": {},
    }
    pairs = [{"key": key, "value": value} for key, value in values.items()]
    [span] = decode("traces", JSON, one_span(attributes=pairs)).spans
    assert dict(span.attributes) == {
        "text": "a",
        "truth": False,
        "number": 7,
        "double": 0.5,
        "nan": "nan",
        "endless": "-inf",
        "bytes": "AQI=",
        "list": [1, "b"],
        "map": {"k": True},
        "nothing": None,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {"key": "a"}},
        {"attributes": [{"key": "a", "value": {"intValue": "many"}}]},
        {"startTimeUnixNano": "soon"},
    ],
)
def test_what_is_no_otlp_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Undecodable):
        decode("traces", JSON, one_span(**fields))


def test_half_a_character_is_replaced() -> None:
    pairs = [{"key": "a", "value": {"stringValue": "cut \ud83d"}}]
    payload = one_span(attributes=pairs, name="whole \U0001f600")
    [span] = decode("traces", JSON, payload).spans
    assert span.attributes["a"] == "cut \ufffd"
    assert span.name == "whole \U0001f600"


def test_a_span_over_its_caps_is_cut_and_counted() -> None:
    limits = Limits(attributes=3, events=2, text_chars=4, key_chars=5)
    pairs = [{"key": f"key-{n}", "value": {"stringValue": "abcdefgh"}} for n in range(10)]
    binary = ExportTraceServiceRequest()
    made = binary.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    for n in range(10):
        made.attributes.add(key=f"key-{n}").value.string_value = "abcdefgh"
        made.events.add(name="e")
    for content_type, payload in (
        (JSON, one_span(attributes=pairs, events=[{"name": "e"}] * 10)),
        (PROTOBUF, binary.SerializeToString()),
    ):
        [span] = decode("traces", content_type, payload, limits).spans
        assert dict(span.attributes) == {"key-0": "abcd", "key-1": "abcd", "key-2": "abcd"}
        assert (len(span.events), span.dropped) == (2, 7 + 8 + 3)  # three values were cut


def test_values_nested_too_deeply_end() -> None:
    value: dict[str, Any] = {"stringValue": "bottom"}
    for _ in range(40):
        value = {"arrayValue": {"values": [value]}}
    [span] = decode("traces", JSON, one_span(attributes=[{"key": "a", "value": value}])).spans
    assert "bottom" not in json.dumps(span.attributes["a"])


def test_too_many_spans_are_counted_before_they_are_built() -> None:
    limits = Limits(spans=100)
    binary = b"\x0a" + varint(2 * 101 + 3) + b"\x12" + varint(2 * 101) + b"\x12\x00" * 101
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{}] * 101}]}]}).encode()
    for content_type, payload in ((PROTOBUF, binary), (JSON, text)):
        with pytest.raises(Undecodable, match="more than 100"):
            decode("traces", content_type, payload, limits)


def test_too_many_json_objects_are_refused_unread() -> None:
    with pytest.raises(Undecodable, match="more than 10 objects"):
        decode("traces", JSON, b'{"resourceSpans":[' + b"{}," * 10 + b"{}]}", Limits(objects=10))


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"resourceSpans":' * 5_000, b"\xff\xfe{}"])
def test_hostile_json_is_refused(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        decode("traces", JSON, payload)


def test_log_records_are_read_in_both_encodings() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.event_name = bytes.fromhex(TRACE), "gen_ai.choice"
    record.observed_time_unix_nano = 10**18
    record.body.kvlist_value.values.add(key="index").value.int_value = 0
    text = {
        "traceId": TRACE,
        "eventName": "gen_ai.choice",
        "observedTimeUnixNano": str(10**18),
        "body": {"kvlistValue": {"values": [{"key": "index", "value": {"intValue": "0"}}]}},
    }
    payload = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [text]}]}]}).encode()
    binary = decode("logs", PROTOBUF, request.SerializeToString()).logs
    assert binary == decode("logs", JSON, payload).logs
    assert binary[0].body == {"index": 0}


def test_another_content_type_is_refused_by_name() -> None:
    with pytest.raises(Undecodable, match="text/plain"):
        decode("traces", "text/plain", b"hi")


def one_span(**fields: Any) -> bytes:
    span = {"traceId": TRACE, "spanId": SPAN, "name": "x", **fields}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def varint(number: int) -> bytes:
    if number < 0x80:
        return bytes([number])
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7)
