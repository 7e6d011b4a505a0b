"""The application in this process, over a real spool: what each request is answered, and why."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess
from prometheus_client.parser import text_string_to_metric_families

from headrace.ingest.app import create_app
from headrace.ingest.errors import AlreadyServing, SpoolFailed
from headrace.ingest.spool import Spool
from headrace.ingest.works import alone
from headrace.ingest.writer import Room
from headrace.lake import Lake
from headrace.lake.settings import MIB, Settings

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
EDGE = Path(__file__).parents[2] / "fixtures" / "otlp" / "receiver_edge"
CASES = json.loads((EDGE / "manifest.json").read_text("utf-8"))["cases"]
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
MARK = {"conversation": "c", "success": True}
SMALL = 2000  # bytes of a body at the narrow door


@pytest.fixture
def full(tmp_path: Path, lake: Lake, opened: Any) -> Iterator[Any]:
    """A door before a disk without room."""
    room = Room(folder=tmp_path, limit=MIB, reserve=1 << 60)
    settings = Settings(home=tmp_path)
    with Spool.open(settings, room=room) as made, opened(settings, made, lake) as door:
        yield door


def export(trace_id: str = TRACE, span_id: str = SPAN) -> dict[str, Any]:
    span = {"traceId": trace_id, "spanId": span_id, "name": "chat"}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def logs(*names: str) -> dict[str, Any]:
    records = [{"eventName": name, "traceId": TRACE, "spanId": SPAN} for name in names]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def _post(door: Any, case: dict[str, Any]) -> httpx.Response:
    headers = {"content-type": case["content_type"]}
    if case["content_encoding"]:
        headers["content-encoding"] = case["content_encoding"]
    content = (EDGE / case["file"]).read_bytes()
    answer: httpx.Response = door.post(case["path"], content=content, headers=headers)
    return answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_each_edge_case_of_the_protocol_gets_its_status(door: Any, case: dict[str, Any]) -> None:
    answer = _post(door, case)
    assert str(answer.status_code) in str(case["expect"]["status"])
    # in the request's own type, where that is one of OTLP's; and never to be tried again
    if (asked := case["content_type"].partition(";")[0]) != "text/plain":
        assert answer.headers["content-type"] == asked
    assert "retry-after" not in answer.headers
    empty = case["file"].startswith("empty.")
    assert len(door.spooled()) == (answer.status_code == 200 and not empty)


@pytest.mark.parametrize("name", ["ok.bin", "ok.bin.gz", "ok.bin.deflate", "ok.json", "empty.bin"])
def test_full_success_leaves_partial_success_unset(door: Any, name: str) -> None:
    [case] = [case for case in CASES if case["file"] == name]
    assert _post(door, case).content == (b"{}" if name.endswith("json") else b"")


def test_packed_and_plain_bodies_are_spooled_alike(door: Any) -> None:
    names = ("ok.bin", "ok.bin.gz", "ok.bin.deflate")
    assert {_post(door, case).status_code for case in CASES if case["file"] in names} == {200}
    assert [body.payload for body in door.spooled()] == [(EDGE / "ok.bin").read_bytes()] * 3


def test_spans_with_bad_ids_are_told_in_partial_success_and_never_retried(door: Any) -> None:
    [case] = [case for case in CASES if case["file"] == "zero_trace_id.json"]
    told = _post(door, case).json()["partialSuccess"]
    assert told["rejectedSpans"] == "1"
    assert "16 and 8 bytes" in told["errorMessage"]


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [("0" * 32, SPAN), (TRACE, "0" * 16), ("", SPAN), (TRACE, ""), (TRACE[:-2], SPAN)],
)
def test_an_export_without_one_valid_span_is_a_bad_request(
    door: Any, trace_id: str, span_id: str
) -> None:
    answer = door.post("/v1/traces", json=export(trace_id, span_id))
    assert (answer.status_code, door.spooled()) == (400, [])
    assert "/v1/logs" in answer.json()["detail"]


def test_a_logs_export_at_the_address_of_traces_is_pointed_to_its_own(door: Any) -> None:
    content = b"\x0a\x08\x12\x06\x12\x04\x12\x02\x32\x00"  # a log record in the place of a span
    answer = door.post("/v1/traces", content=content, headers=PROTOBUF)
    status = ExportTracePartialSuccess()
    status.ParseFromString(answer.content)
    assert (answer.status_code, "/v1/logs" in status.error_message) == (400, True)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("gen_ai.evaluation.result",), 1),
        (("claude_code.user_prompt", "http.request"), 1),
        (("http.request", "exception", ""), 0),
        ((), 0),
    ],
)
def test_only_logs_that_a_convention_uses_are_spooled(
    door: Any, names: tuple[str, ...], kept: int
) -> None:
    answer = door.post("/v1/logs", json=logs(*names))
    assert (answer.status_code, answer.json(), len(door.spooled())) == (200, {}, kept)


def test_metrics_are_read_dropped_and_bounded(narrow: Any) -> None:
    told = [narrow.post("/v1/metrics", content=b"x" * size, headers=JSON) for size in (0, SMALL)]
    assert [(answer.status_code, answer.content) for answer in told] == [(200, b"{}")] * 2
    over = narrow.post("/v1/metrics", content=b"x" * (SMALL + 1), headers=JSON)
    assert over.status_code == 413
    assert narrow.spooled() == []


@pytest.mark.parametrize("prefix", ["", "/api/public/otel", "/a/b/c"])
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_exporters_keep_the_path_of_their_old_backend(door: Any, prefix: str, signal: str) -> None:
    answer = door.post(f"{prefix}/v1/{signal}", content=b"", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    asked = door.get(f"{prefix}/v1/{signal}", headers=PROTOBUF)
    assert (asked.status_code, asked.headers["allow"]) == (405, "POST")
    assert asked.headers["content-type"] == "application/x-protobuf"


@pytest.mark.parametrize("host", ["[", "[::1", "a/b", "a?b", "a#b", "x y", ""])
def test_a_strange_host_header_is_answered_in_the_language_of_the_request(
    door: Any, host: str
) -> None:
    headers = {"content-type": "application/x-protobuf", "host": host}
    answer = door.post("/v1/traces", content=b"\xff", headers=headers)
    assert answer.status_code == (421 if host else 400)
    assert answer.headers["content-type"] == headers["content-type"]
    answer = door.get("/nothing", headers={"host": host})
    assert (answer.status_code, answer.json()["detail"]) == (404, "GET /nothing")


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/episodes", "/v1/status", "/healthz"])
def test_other_origins_get_no_leave_to_call(door: Any, path: str) -> None:
    headers = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    asked = door.runner.run(door.http.options(path, headers=headers))
    assert asked.status_code == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "headers", "content"),
    [
        ("/v1/traces", JSON, json.dumps(export())),
        ("/v1/traces", PROTOBUF, (EDGE / "ok.bin").read_bytes()),
        ("/v1/logs", JSON, json.dumps(logs("gen_ai.choice"))),
        ("/v1/outcomes", JSON, json.dumps(MARK)),
    ],
)
def test_without_room_clients_are_asked_to_come_back(
    full: Any, path: str, headers: dict[str, str], content: str
) -> None:
    answer = full.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    otlp = path != "/v1/outcomes"
    language = headers["content-type"] if otlp else "application/problem+json"
    assert answer.headers["content-type"] == language
    assert b"make room" in answer.content
    assert full.refused() == {"spool_full": 1}


def test_without_room_the_sidecar_lives_but_is_not_ready(full: Any) -> None:
    assert full.get("/healthz").json() == {"status": "ok"}
    assert full.get("/readyz").status_code == 503
    assert full.post("/v1/traces", content=b"", headers=PROTOBUF).status_code == 200
    assert full.post("/v1/metrics", content=b"x", headers=PROTOBUF).status_code == 200
    assert full.get("/v1/status").json()["spool"]["depth"] == 0


def test_a_disk_that_hangs_is_not_ready(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ingest.probes.PROBE_S", 0.0)
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":spool_failed")
    assert "0 s" in answer.json()["detail"]


def test_a_fault_of_ours_can_be_retried_and_tells_no_secret(
    door: Any, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("my secret")

    monkeypatch.setattr(spool, "append_for", broken)
    answer = door.post("/v1/traces", json=export())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (answer.json()["code"], "secret" in answer.text) == (14, False)
    assert door.refused() == {"unexpected": 1}


def test_lines_keep_their_numbers_and_only_the_first_faults_are_told(door: Any) -> None:
    lines = [json.dumps({**MARK, "id": f"m{n}"}) if n % 3 == 0 else "{}" for n in range(12)]
    content = "\n\n".join(lines)  # blank lines count
    told = door.post("/v1/outcomes", content=content, headers=NDJSON).json()
    assert (told["accepted"], told["rejected"]) == (4, 8)
    assert told["ids"] == ["m0", "m3", "m6", "m9"]
    assert [fault.partition(":")[0] for fault in told["errors"]] == [
        *(f"line {number}" for number in (3, 5, 9, 11, 15)),
        "and 3 more",
    ]
    assert [json.loads(line)["id"] for line in door.spooled()[0].payload.splitlines()] == told[
        "ids"
    ]


@pytest.mark.parametrize("path", ["/v1/episodes", "/v1/outcomes"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"null", b"[]", b"{}", b"\xff"])
def test_a_body_of_nothing_is_a_problem_of_the_request(
    door: Any, path: str, content: bytes
) -> None:
    for headers in (JSON, NDJSON):
        answer = door.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (400, 400)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert door.spooled() == []


def test_the_status_tells_what_waits(door: Any) -> None:
    assert door.get("/v1/status").json()["behind_s"] == 0.0
    for _ in range(3):
        door.post("/v1/traces", json=export())
    status = door.get("/v1/status").json()
    assert status["spool"]["depth"] == 3
    assert status["spool"]["bytes"] > 0
    assert status["behind_s"] == status["spool"]["oldest_s"] >= 0


def test_a_spool_out_of_reach_is_null_in_the_status(
    door: Any, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now: object) -> None:
        raise SpoolFailed("damaged")

    monkeypatch.setattr(spool, "depth", broken)
    status = door.get("/v1/status").json()
    assert (status["spool"], status["behind_s"]) == (None, None)
    assert status["lake"]["spans"] >= 0


def test_while_the_lake_is_away_posts_are_taken_and_questions_come_back(
    tmp_path: Path, spool: Spool, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*given: object, **more: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(Lake, "open", away)
    with opened(Settings(home=tmp_path), spool, None) as door:
        assert door.post("/v1/traces", json=export()).status_code == 200
        asked = door.get(f"/v1/traces/{TRACE}")
        assert (asked.status_code, asked.headers["retry-after"]) == (503, "5")
        status = door.get("/v1/status").json()
        assert (status["spool"]["depth"], status["lake"], status["dead_letters"]) == (1, None, None)
        assert door.get("/readyz").status_code == 200


def test_prometheus_can_read_every_series(door: Any) -> None:
    door.post("/v1/traces", json=export())
    door.post("/v1/outcomes", json=MARK)
    door.post("/v1/outcomes", content=b"{", headers=JSON)
    families = {f.name: f for f in text_string_to_metric_families(door.get("/metrics").text)}
    accepted = families["headrace_bodies_accepted"].samples
    counts = {s.labels["signal"]: s.value for s in accepted}
    assert counts == {"traces": 1, "outcomes": 1, "logs": 0, "episodes": 0}
    assert families["headrace_spool_depth"].samples[0].value == 2
    assert families["headrace_spool_depth"].type == "gauge"
    assert families["headrace_refusals"].type == "counter"
    assert door.refused() == {"undecodable": 1}


def test_a_second_application_of_a_home_does_not_start(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pytest.fail("it started")

    with alone(tmp_path), pytest.raises(AlreadyServing, match="stop it"):
        asyncio.run(start())
    assert not (tmp_path / "spool.sqlite").exists()
