"""Addresses, encodings and errors of the sidecar."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import zstandard
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
TRACE = "5b8efff798038103d269b633813fc60c"
CHAT = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]

Span = dict[str, Any]


def span(trace_id: str = TRACE, span_id: str = "eee19b7ec3c1b174") -> Span:
    text = {"stringValue": json.dumps([{"role": "user", "parts": [{"type": "text"}]}])}
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "name": "chat",
        "startTimeUnixNano": "1767268800000000000",
        "endTimeUnixNano": "1767268801000000000",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.input.messages", "value": text},
        ],
    }


def export(*spans: Span) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def wire(*spans: Span) -> bytes:
    """The same in protobuf, where ids are bytes and not hex."""
    request = ExportTraceServiceRequest()
    for item in spans:
        ids = {"traceId", "spanId"}
        plain = {name: value for name, value in item.items() if name not in ids}
        scoped = request.resource_spans.add().scope_spans.add().spans.add()
        ParseDict(plain, scoped)
        scoped.trace_id = bytes.fromhex(item["traceId"])
        scoped.span_id = bytes.fromhex(item["spanId"])
    return bytes(request.SerializeToString())


PACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encoding", PACK)
def test_spans_arrive_in_both_formats_and_every_encoding(shared: Any, encoding: str) -> None:
    number = list(PACK).index(encoding) + 1
    in_json, in_protobuf = f"{number:032x}", f"{number + 100:032x}"
    packed = {"content-encoding": encoding}
    body = json.dumps(export(span(in_json))).encode()
    first = shared.post("/v1/traces", content=PACK[encoding](body), headers=JSON | packed)
    assert (first.status_code, first.json()) == (200, {})
    assert first.headers["content-type"] == "application/json"
    content = PACK[encoding](wire(span(in_protobuf)))
    second = shared.post("/v1/traces", content=content, headers=PROTOBUF | packed)
    assert (second.status_code, second.content) == (200, b"")
    assert second.headers["content-type"] == "application/x-protobuf"
    shared.drained()
    for trace_id in (in_json, in_protobuf):
        known = shared.get(f"/v1/traces/{trace_id.upper()}").json()
        assert [row["span_id"] for row in known["spans"]] == ["eee19b7ec3c1b174"]
        assert (known["assembled"], known["episodes"]) == (False, [])


def test_parameters_of_a_content_type_and_foreign_prefixes_are_fine(shared: Any) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    answer = shared.post("/api/public/otel/v1/traces", json=export(), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})


def test_logs_and_metrics_are_answered(shared: Any) -> None:
    empty = ExportLogsServiceRequest().SerializeToString()
    for path, content in (("/v1/logs", empty), ("/v1/metrics", b"whatever")):
        answer = shared.post(path, content=content, headers=PROTOBUF)
        assert (answer.status_code, answer.content) == (200, b"")


def test_spans_without_ids_are_refused_and_the_others_kept(shared: Any) -> None:
    good, bad = span("a" * 32), span("0" * 32)
    answer = shared.post("/v1/traces", content=wire(good, bad), headers=PROTOBUF)
    told = ExportTraceServiceResponse()
    told.ParseFromString(answer.content)
    assert answer.status_code == 200
    assert told.partial_success.rejected_spans == 1
    shared.drained()
    assert shared.get(f"/v1/traces/{'a' * 32}").status_code == 200


def test_garbage_is_answered_with_a_status_in_the_language_of_the_request(shared: Any) -> None:
    answer = shared.post("/v1/traces", content=b"\xff\xff", headers=PROTOBUF)
    status = ExportTracePartialSuccess()  # of the wire shape of google.rpc.Status
    status.ParseFromString(answer.content)
    assert (answer.status_code, status.rejected_spans) == (400, 3)
    assert "protobuf" in status.error_message
    answer = shared.post("/v1/traces", content=b"{", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert answer.json()["detail"] == answer.json()["message"]


def test_a_damaged_packing_is_a_bad_request(shared: Any) -> None:
    headers = JSON | {"content-encoding": "gzip"}
    answer = shared.post("/v1/traces", content=gzip.compress(b"{}")[:-4], headers=headers)
    assert (answer.status_code, "ends early" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_too_large(shared: Any, encoding: str) -> None:
    bomb = PACK[encoding](bytes(100 * 1024 * 1024))
    assert len(bomb) < 256 * 1024
    headers = PROTOBUF | {"content-encoding": encoding}
    answer = shared.post("/v1/traces", content=bomb, headers=headers)
    assert answer.status_code == 413
    assert shared.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("size", [300 * 1024, 400 * 1024])
def test_a_body_over_the_limit_is_too_large_and_says_so(shared: Any, size: int) -> None:
    answer = shared.post("/v1/episodes", content=b" " * size, headers=JSON)
    assert answer.status_code == 413
    assert "HEADRACE_BODY_BYTES" in answer.json()["cure"]


def test_a_stream_without_a_length_is_bounded_too(shared: Any) -> None:
    chunks = (b" " * 100 * 1024 for _ in range(4))
    answer = shared.post("/v1/outcomes", content=chunks, headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/traces", {"content-type": "text/plain"}),
        ("/v1/traces", JSON | {"content-encoding": "br"}),
        ("/v1/outcomes", PROTOBUF),
        ("/v1/episodes", {}),
    ],
)
def test_unknown_types_and_encodings_are_unsupported(
    shared: Any, path: str, headers: dict[str, str]
) -> None:
    answer = shared.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "use" in answer.json()["detail"]


def test_other_methods_and_paths_are_told_what_there_is(shared: Any) -> None:
    answer = shared.get("/v1/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert shared.delete("/v1/status").status_code == 405
    answer = shared.get("/nothing/here")
    assert answer.status_code == 404
    assert "/v1/traces" in answer.json()["cure"]


def test_an_episode_can_be_posted_marked_and_read(shared: Any) -> None:
    posted = {"id": "chat/1", "messages": CHAT, "model": "small", "metadata": {"task": "greet"}}
    answer = shared.post("/v1/episodes", json=posted, headers={"x-headrace-project": "shop"})
    assert answer.json() == {"accepted": 1, "rejected": 0, "ids": ["chat/1"], "errors": []}
    mark = {"episode": "chat/1", "success": True, "correction": CHAT[1], "project": "shop"}
    assert shared.post("/v1/outcomes", json=mark).status_code == 200
    shared.drained()
    known = shared.get("/v1/episodes/chat/1").raise_for_status().json()
    assert [message["content"] for message in known["messages"]] == ["Hello?", "Hello."]
    assert (known["project"], known["model"]) == ("shop", "small")
    assert known["metadata"]["task"] == "greet"
    assert (known["resolution"], known["decisions"]) == ("pending", [])
    assert known["outcomes"][0]["correction"]["content"] == "Hello."
    other = {"x-headrace-project": "elsewhere"}
    assert shared.get("/v1/episodes/chat/1", headers=other).status_code == 404


def test_an_id_that_two_projects_use_needs_the_project(shared: Any) -> None:
    for project in ("one", "two"):
        body = {"id": "twin", "messages": CHAT, "project": project}
        assert shared.post("/v1/episodes", json=body).status_code == 200
    shared.drained()
    answer = shared.get("/v1/episodes/twin")
    assert (answer.status_code, "one, two" in answer.json()["detail"]) == (400, True)
    found = shared.get("/v1/episodes/twin", headers={"x-headrace-project": "two"})
    assert found.json()["project"] == "two"


def test_of_many_lines_the_good_ones_are_kept(shared: Any) -> None:
    lines = [{"trace_id": TRACE, "success": True, "id": "m1"}, {"success": True}]
    content = "\n".join(json.dumps(line) for line in lines)
    answer = shared.post("/v1/outcomes", content=content, headers=NDJSON)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["accepted"], told["rejected"], told["ids"]) == (1, 1, ["m1"])
    assert "line 2" in told["errors"][0]


def test_a_body_of_nothing_good_is_a_problem_that_names_the_field(shared: Any) -> None:
    answer = shared.post("/v1/outcomes", json={"success": True})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "trace_id" in answer.json()["detail"]
    assert set(answer.json()) == {"type", "title", "status", "detail", "cure"}


def test_what_is_not_known_may_not_be_assembled_yet(shared: Any) -> None:
    for path in ("/v1/episodes/none", f"/v1/traces/{'9' * 32}"):
        answer = shared.get(path)
        assert answer.status_code == 404
        assert "not be assembled yet" in answer.json()["detail"]


def test_a_project_header_must_be_readable(shared: Any) -> None:
    answer = shared.post("/v1/outcomes", json={}, headers={"x-headrace-project": "x" * 201})
    assert (answer.status_code, "x-headrace-project" in answer.json()["detail"]) == (400, True)


def test_the_status_has_the_shape_of_the_contract(shared: Any) -> None:
    status = shared.drained()
    contract = {"spool", "lake", "behind_s", "dead_letters", "nightly", "verdict"}
    assert set(status) == contract | {"drain"}
    assert status["spool"] == {"depth": 0, "bytes": 0, "oldest_s": None}
    assert set(status["lake"]) == {"spans", "episodes", "outcomes"}
    assert (status["behind_s"], status["nightly"], status["verdict"]) == (0.0, None, None)


def test_prometheus_reads_depth_and_counts(shared: Any) -> None:
    before = _series(shared.get("/metrics"))
    shared.post("/v1/outcomes", json={"trace_id": TRACE, "success": False})
    shared.post("/v1/outcomes", content=b"{", headers=JSON)
    after = _series(shared.get("/metrics"))
    for name in (
        'headrace_bodies_accepted_total{signal="outcomes"}',
        'headrace_refusals_total{reason="undecodable"}',
    ):
        assert after[name] == before.get(name, 0) + 1
    assert "headrace_spool_depth" in after


def test_a_poisoned_body_is_set_aside_and_later_ones_arrive(shared: Any) -> None:
    before = shared.drained()
    with shared.bench.spool() as spool:
        now = datetime.now(UTC)
        seq = spool.append("traces", "application/json", "shop", b"{poison", now).result()
    assert shared.outcome(1).status_code == 200
    after = shared.drained()
    assert after["dead_letters"] == before["dead_letters"] + 1
    assert after["lake"]["outcomes"] == before["lake"]["outcomes"] + 1
    with shared.bench.lake() as lake:
        [letter] = lake.rows("select * from dead_letters where seq = $seq", {"seq": seq})
    assert (letter["project"], letter["signal"], letter["body"]) == ("shop", "traces", b"{poison")
    assert "JSON" in letter["reason"]


def test_two_hundred_posts_at_once_all_arrive(shared: Any) -> None:
    async def post() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=shared.address.url, limits=limits, timeout=90, trust_env=False
        ) as http:
            bodies = ({"id": f"e{n}", "messages": CHAT, "project": "many"} for n in range(200))
            answers = await asyncio.gather(*(http.post("/v1/episodes", json=b) for b in bodies))
        return [answer.status_code for answer in answers]

    before = shared.drained()
    assert asyncio.run(post()) == [200] * 200
    after = shared.drained()
    assert after["lake"]["episodes"] == before["lake"]["episodes"] + 200
    assert after["dead_letters"] == before["dead_letters"]


def test_the_log_has_no_content(shared: Any) -> None:
    for path, body in (
        ("/v1/episodes", b'{"messages": "my secret"}'),
        ("/v1/traces", b'{"resourceSpans": "my secret"}'),
    ):
        assert shared.post(path, content=body, headers=JSON).status_code == 400
    assert "event=refused" in shared.bench.log
    assert "secret" not in shared.bench.log


def _series(answer: httpx.Response) -> dict[str, float]:
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
