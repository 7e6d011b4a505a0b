"""The wire of protobuf: counted before anything is built, and ids of the right length or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from headrace.ingest.errors import Undecodable
from headrace.ingest.otlp_protobuf import logs, traces
from headrace.ingest.telemetry import Export, Limits

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


def request(*groups: int) -> bytes:
    """A request with so many spans in each scope; spans are numbered over all."""
    made, number = ExportTraceServiceRequest(), 0
    for size in groups:
        scope = made.resource_spans.add().scope_spans.add()
        for _ in range(size):
            number += 1
            scope.spans.add(trace_id=TRACE, span_id=number.to_bytes(8, "big"), name=f"s{number}")
    return bytes(made.SerializeToString())


def one_span(trace_id: bytes = TRACE, span_id: bytes = SPAN, parent: bytes = b"") -> Export:
    made = ExportTraceServiceRequest()
    spans = made.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=trace_id, span_id=span_id, parent_span_id=parent, name="x")
    return traces(made.SerializeToString(), Limits())


def value_read(value: AnyValue, **limits: int) -> object:
    made = ExportLogsServiceRequest()
    made.resource_logs.add().scope_logs.add().log_records.add(body=value)
    return logs(made.SerializeToString(), Limits(**limits)).logs[0].body


@pytest.mark.parametrize("groups", [(10,), (3, 7), (0, 10, 0), (1,) * 10])
def test_exactly_the_limit_of_spans_is_read_however_they_are_grouped(
    groups: tuple[int, ...],
) -> None:
    payload = request(*groups)
    names = [span.name for span in traces(payload, Limits(spans=10)).spans]
    assert names == [f"s{number}" for number in range(1, 11)]
    with pytest.raises(Undecodable, match="more than 9 items in one request: export smaller"):
        traces(payload, Limits(spans=9))


def test_log_records_have_the_same_limit() -> None:
    made = ExportLogsServiceRequest()
    for _ in range(4):
        made.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.choice")
    payload = made.SerializeToString()
    assert len(logs(payload, Limits(spans=4)).logs) == 4
    with pytest.raises(Undecodable, match="more than 3 items"):
        logs(payload, Limits(spans=3))


def test_fields_of_a_later_protocol_do_not_hide_spans_from_the_count() -> None:
    number, text = b"\x98\x06\x07", b"\x9a\x06\x03abc"  # of field 99
    fixed = b"\x99\x06" + b"\0" * 8 + b"\x9d\x06" + b"\0" * 4
    strange = number + fixed + text
    payload = strange + request(2) + strange
    assert len(traces(payload, Limits(spans=2)).spans) == 2
    with pytest.raises(Undecodable, match="more than 1 items"):
        traces(payload, Limits(spans=1))


@pytest.mark.parametrize(
    "wire",
    [
        b"\x0a",  # a tag without its length
        b"\x0a\xff\xff\xff\xff\x0f",  # a length beyond the end
        b"\xff" * 30,  # a number that never ends
        b"\x0b\x0b\x0b",  # groups, which the protocol does not have
        request(2)[:-3],
        b'{"resourceSpans":[]}',
    ],
    ids=["tag", "length", "varint", "group", "cut", "json"],
)
def test_a_broken_wire_is_refused_with_the_address_it_may_have_meant(wire: bytes) -> None:
    for reader in (traces, logs):
        with pytest.raises(Undecodable, match="/v1/logs.*application/json"):
            reader(wire, Limits())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 80))
def test_no_damage_to_the_wire_gets_further_than_a_refusal(noise: bytes, place: int) -> None:
    whole = request(2)
    for wire in (noise, whole[:place] + noise + whole[place:], whole[:place] + noise):
        for reader in (traces, logs):
            try:
                export = reader(wire, Limits(spans=5))
            except Undecodable as error:
                assert str(error)
            else:
                assert len(export.spans) + len(export.logs) + export.invalid <= 5


@pytest.mark.parametrize(
    ("trace_id", "span_id", "valid"),
    [
        (TRACE, SPAN, True),
        (bytes(15) + b"\1", bytes(7) + b"\1", True),
        (bytes(16), SPAN, False),
        (TRACE, bytes(8), False),
        (b"", SPAN, False),
        (TRACE[:15], SPAN, False),
        (TRACE + b"\1", SPAN, False),
        (TRACE, SPAN[:4], False),
        (SPAN, TRACE, False),
    ],
)
def test_a_span_counts_only_with_both_ids_of_the_right_length(
    trace_id: bytes, span_id: bytes, valid: bool
) -> None:
    export = one_span(trace_id, span_id)
    assert (len(export.spans), export.invalid) == ((1, 0) if valid else (0, 1))


@pytest.mark.parametrize(
    ("parent", "told"), [(b"", None), (bytes(8), None), (SPAN, SPAN.hex()), (b"\1\2", None)]
)
def test_a_parent_is_sixteen_hex_digits_or_none(parent: bytes, told: str | None) -> None:
    assert one_span(parent=parent).spans[0].parent_span_id == told


@pytest.mark.parametrize("identity", [b"", bytes(16), b"\1" * 3, b"\1" * 17])
def test_a_log_record_with_a_bad_id_is_kept_without_it(identity: bytes) -> None:
    made = ExportLogsServiceRequest()
    scope = made.resource_logs.add().scope_logs.add()
    scope.log_records.add(trace_id=identity, span_id=identity, event_name="gen_ai.choice")
    [log] = logs(made.SerializeToString(), Limits()).logs
    assert (log.trace_id, log.span_id, log.name) == (None, None, "gen_ai.choice")


def test_a_record_without_a_time_has_the_time_it_was_seen() -> None:
    made = ExportLogsServiceRequest()
    records = made.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=10**18, observed_time_unix_nano=2 * 10**18)
    records.add(observed_time_unix_nano=2 * 10**18)
    records.add()
    told = [
        log.at.year if log.at else None for log in logs(made.SerializeToString(), Limits()).logs
    ]
    assert told == [2001, 2033, None]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (AnyValue(), None),
        (AnyValue(string_value=""), ""),
        (AnyValue(string_value="héllo"), "héll"),
        (AnyValue(bool_value=False), False),
        (AnyValue(int_value=-(2**63)), -(2**63)),
        (AnyValue(double_value=0.0), 0.0),
        (AnyValue(double_value=float("nan")), "nan"),
        (AnyValue(double_value=float("-inf")), "-inf"),
        (AnyValue(bytes_value=b"\1\2"), "AQI="),
        (AnyValue(bytes_value=b""), ""),
    ],
)
def test_every_kind_of_value_is_one_that_json_can_hold(value: AnyValue, read: object) -> None:
    assert value_read(value, text_chars=4) == read


def nested(levels: int) -> AnyValue:
    value = AnyValue(string_value="bottom")
    for _ in range(levels):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    return value


def test_values_are_read_to_their_depth_and_not_one_level_below() -> None:
    assert value_read(nested(2), depth=3) == [["bottom"]]
    assert value_read(nested(3), depth=3) == [[[None]]]


def test_values_that_the_parser_itself_cannot_follow_are_refused() -> None:
    wire = b""
    for _ in range(400):  # AnyValue.array_value.values, by hand: it cannot be built
        inner = b"\x0a" + varint(len(wire)) + wire
        wire = b"\x2a" + varint(len(inner)) + inner
    body = b"\x2a" + varint(len(wire)) + wire
    for _ in range(3):  # in log_records, scope_logs, resource_logs
        body = (b"\x12" if _ < 2 else b"\x0a") + varint(len(body)) + body
    with pytest.raises(Undecodable):
        logs(body, Limits())


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
