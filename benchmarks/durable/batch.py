"""Numbered batches of every signal, each with the keys that its rows have in the lake."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

T0_NS = 1_767_225_600_000_000_000  # 2026-01-01
FAULTY = 23  # every so many batches one that must be refused

Key = tuple[str, str]  # table and what names a row in it


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One request: sent again it is the same bytes."""

    number: int
    path: str
    content_type: str
    body: bytes
    keys: frozenset[Key]


def batch(number: int, rng: random.Random, *, noise: int = 400) -> Batch:
    """The batch of a number; `noise` is about the characters of each text in it."""
    if number % FAULTY == FAULTY - 1:
        return _faulty(number)
    return _MAKERS[number % len(_MAKERS)](number, rng, noise)


def _protobuf(number: int, rng: random.Random, noise: int) -> Batch:
    export = ExportTraceServiceRequest()
    resource = export.resource_spans.add()
    resource.resource.attributes.append(_pair("service.name", "agent"))
    spans = resource.scope_spans.add().spans
    ids = _ids(number, rng)
    for trace_id, span_id in ids:
        said = _attributes(number, _noise(rng, noise)).items()
        spans.append(
            Span(
                trace_id=bytes.fromhex(trace_id),
                span_id=bytes.fromhex(span_id),
                name="chat",
                start_time_unix_nano=T0_NS,
                end_time_unix_nano=T0_NS + 10**9,
                attributes=[_pair(key, value) for key, value in said],
            )
        )
    return _traces(number, "application/x-protobuf", export.SerializeToString(), ids)


def _otlp_json(number: int, rng: random.Random, noise: int) -> Batch:
    ids = _ids(number, rng)
    spans = [
        {
            "traceId": trace_id,
            "spanId": span_id,
            "name": "chat",
            "startTimeUnixNano": str(T0_NS),
            "endTimeUnixNano": str(T0_NS + 10**9),
            "attributes": _plain(_attributes(number, _noise(rng, noise))),
        }
        for trace_id, span_id in ids
    ]
    export = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    return _traces(number, "application/json", _dump(export), ids)


def _traces(number: int, content_type: str, body: bytes, ids: list[tuple[str, str]]) -> Batch:
    keys = frozenset(("spans", f"{trace}/{span}") for trace, span in ids)
    return Batch(number=number, path="/v1/traces", content_type=content_type, body=body, keys=keys)


def _logs(number: int, rng: random.Random, noise: int) -> Batch:
    ids = _ids(number, rng)
    records = [
        {
            "timeUnixNano": str(T0_NS),
            "traceId": trace_id,
            "spanId": span_id,
            "eventName": "gen_ai.user.message",
            "body": {"stringValue": _noise(rng, noise)},
        }
        for trace_id, span_id in ids
    ]
    return Batch(
        number=number,
        path="/v1/logs",
        content_type="application/json",
        body=_dump({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}),
        keys=frozenset(("log_events", f"{trace}/{span}") for trace, span in ids),
    )


def _episodes(number: int, rng: random.Random, noise: int) -> Batch:
    names = [f"e{number}-{index}" for index in range(rng.randint(1, 4))]
    rows = [
        {
            "id": name,
            "messages": [
                {"role": "user", "content": f"{name}? {_noise(rng, noise)}"},
                {"role": "assistant", "content": _noise(rng, noise)},
            ],
        }
        for name in names
    ]
    return _lines(number, "/v1/episodes", rows, [("episodes", name) for name in names])


def _outcomes(number: int, rng: random.Random, noise: int) -> Batch:
    names = [f"o{number}-{index}" for index in range(rng.randint(1, 6))]
    rows = [
        {"id": name, "trace_id": f"{number + 1:032x}", "score": 0.5, "comment": _noise(rng, noise)}
        for name in names
    ]
    return _lines(number, "/v1/outcomes", rows, [("outcomes", name) for name in names])


def _lines(number: int, path: str, rows: list[dict[str, Any]], keys: list[Key]) -> Batch:
    return Batch(
        number=number,
        path=path,
        content_type="application/x-ndjson",
        body=b"\n".join(_dump(row) for row in rows),
        keys=frozenset(keys),
    )


def _faulty(number: int) -> Batch:
    """What no reader takes: bytes that are no protobuf, a field that nobody knows, a picture."""
    path, content_type, body = [
        ("/v1/traces", "application/x-protobuf", b"\xff" * 40),
        ("/v1/outcomes", "application/json", _dump({"id": f"o{number}-bad", "sucess": True})),
        ("/v1/traces", "image/png", b"\x89PNG"),
    ][number // FAULTY % 3]
    return Batch(
        number=number,
        path=path,
        content_type=content_type,
        body=body,
        keys=frozenset({("outcomes", f"o{number}-bad")}),
    )


_MAKERS: tuple[Callable[[int, random.Random, int], Batch], ...] = (
    _protobuf,
    _otlp_json,
    _outcomes,
    _protobuf,
    _episodes,
    _logs,
)


def _ids(number: int, rng: random.Random) -> list[tuple[str, str]]:
    trace_id = f"{number + 1:032x}"
    return [(trace_id, f"{number + 1:010x}{index + 1:06x}") for index in range(rng.randint(1, 8))]


def _attributes(number: int, text: str) -> dict[str, str]:
    said = [{"role": "user", "parts": [{"type": "text", "content": f"{number}? {text}"}]}]
    reply = [{"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps(said),
        "gen_ai.output.messages": json.dumps(reply),
    }


def _noise(rng: random.Random, characters: int) -> str:
    """Text that does not compress to nothing."""
    return rng.randbytes(rng.randint(1, max(characters, 1)) // 2 + 1).hex()


def _pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _plain(attributes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def _dump(value: object) -> bytes:
    return json.dumps(value).encode()
