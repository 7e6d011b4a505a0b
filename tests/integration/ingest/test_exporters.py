"""Official OpenTelemetry SDKs deliver into a real sidecar; the rows are in the lake."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

BODY = Path(__file__).parents[2] / "fixtures" / "otlp" / "js_sdk" / "body.json"
SAID = '[{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]'
CALL = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": SAID}


class Noted(SpanExporter):
    """Exports through another exporter and keeps what came of it."""

    def __init__(self, inner: SpanExporter) -> None:
        self.inner = inner
        self.results: list[SpanExportResult] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.results.append(self.inner.export(spans))
        return self.results[-1]

    def shutdown(self) -> None:
        self.inner.shutdown()


def _exported(url: str, project: str, **given: Any) -> tuple[list[SpanExportResult], int]:
    """Export an agent with one call; what came of it, and the trace id."""
    noted = Noted(OTLPSpanExporter(endpoint=f"{url}/v1/traces", **given))
    provider = TracerProvider(resource=Resource.create({"headrace.project": project}))
    provider.add_span_processor(SimpleSpanProcessor(noted))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("agent") as agent:
        with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT, attributes=CALL):
            pass
    provider.shutdown()
    return noted.results, agent.get_span_context().trace_id


def test_spans_of_the_python_sdk_are_in_the_lake(shared: Any) -> None:
    traces = {}
    for packing in Compression:
        project = f"py-{packing.value}"
        results, traces[project] = _exported(shared.address.url, project, compression=packing)
        assert results == [SpanExportResult.SUCCESS] * 2
    shared.drained()
    for project, trace_id in traces.items():
        headers = {"x-headrace-project": project}
        spans = shared.get(f"/v1/traces/{trace_id:032x}", headers=headers).json()["spans"]
        assert sorted(span["kind"] for span in spans) == ["llm", "other"]
        assert {span["project"] for span in spans} == {project}


def test_logs_of_the_python_sdk_are_in_the_lake(shared: Any) -> None:
    for packing in Compression:
        exporter: Any = OTLPLogExporter(
            endpoint=f"{shared.address.url}/v1/logs", compression=packing
        )
        provider = LoggerProvider(resource=Resource.create({"headrace.project": packing.value}))
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        logger = provider.get_logger("test")
        logger.emit(event_name="gen_ai.choice", body={"index": 0, "n": [1, "a"]})
        logger.emit(event_name="http.request", body="not ours")
        provider.shutdown()
    shared.drained()
    with shared.bench.lake() as lake:
        rows = lake.rows("select project, name, body from log_events order by project")
    assert [(row["name"], row["body"]) for row in rows] == [
        ("gen_ai.choice", '{"index":0,"n":[1,"a"]}')
    ] * 3
    assert [row["project"] for row in rows] == sorted(packing.value for packing in Compression)


def test_a_partial_success_makes_the_sdk_neither_fail_nor_try_again(
    shared: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = _answers(shared)
    exporter: Any = OTLPSpanExporter(endpoint=f"{shared.address.url}/v1/traces")
    spans = [_span(7, 7), _span(0, 7)]
    with caplog.at_level(logging.WARNING):
        assert exporter.export(spans) == SpanExportResult.SUCCESS
    exporter.shutdown()
    assert _answers(shared) == before + 1
    assert not [record for record in caplog.records if "ransient" in record.getMessage()]


def _span(trace_id: int, span_id: int) -> ReadableSpan:
    context = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(1))
    return ReadableSpan(name="chat", context=context, resource=Resource.get_empty())


def _answers(client: Any) -> int:
    """Traces bodies that were answered so far."""
    lines = [
        line
        for line in client.get("/metrics").text.splitlines()
        if not line.startswith("#") and "_requests_total" in line and 'signal="traces"' in line
    ]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def test_a_bad_request_is_not_sent_twice(shared: Any) -> None:
    before = _answers(shared)
    exporter: Any = OTLPSpanExporter(endpoint=f"{shared.address.url}/v1/traces")
    assert exporter.export([_span(0, 0)]) == SpanExportResult.FAILURE
    exporter.shutdown()
    assert _answers(shared) == before + 1


def test_a_body_of_the_javascript_sdk_is_read_whole(shared: Any) -> None:
    headers = {"content-type": "application/json", "x-headrace-project": "js"}
    content = BODY.read_bytes()
    chunks = (content[at : at + 1000] for at in range(0, len(content), 1000))
    told = shared.post("/v1/traces", content=chunks, headers=headers)  # chunked, as it sends it
    assert (told.status_code, told.content) == (200, b"{}")
    shared.drained()
    with shared.bench.lake() as lake:
        rows = lake.rows("select * from spans where project = 'js' order by name")
    assert [(row["name"].partition(" ")[0], row["kind"], row["status"]) for row in rows] == [
        ("chat", "llm", "unset"),
        ("execute_tool", "tool", "error"),
        ("invoke_agent", "agent", "ok"),
    ]
    chat = rows[0]
    assert (chat["model"], chat["input_tokens"], chat["output_tokens"]) == ("small", 12, 6)
    assert (chat["conversation_id"], chat["release"]) == ("js-1", "2026-11-01")
    assert len(chat["input"]) == len(chat["output"]) == 1


class Lossy:
    """A proxy that hands the first request on and hangs up instead of handing its answer back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self.target) as server:
                self._one(client, server)

    def _one(self, client: socket.socket, server: socket.socket) -> None:
        """One request and its answer; the first answer is thrown away once it is complete."""
        server.sendall(_message(client))
        answer = _message(server)
        if self.lost:
            client.sendall(answer)
        else:
            self.lost += 1


def _message(wire: socket.socket) -> bytes:
    """One HTTP message with a Content-Length."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += wire.recv(65_536)
    head, _, body = said.partition(b"\r\n\r\n")
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(lines[0].partition(b":")[2])
    while len(body) < size:
        body += wire.recv(65_536)
    return head.replace(b"keep-alive", b"close") + b"\r\n\r\n" + body


@contextmanager
def _lossy(client: Any) -> Iterator[Lossy]:
    proxy = Lossy((client.address.host, client.address.port))
    try:
        yield proxy
    finally:
        proxy.close()


def test_a_retry_after_a_lost_answer_makes_no_second_row(shared: Any) -> None:
    before = _answers(shared)
    with _lossy(shared) as proxy:
        exporter: Any = OTLPSpanExporter(
            endpoint=f"{proxy.url}/v1/traces", headers={"connection": "close"}
        )
        assert exporter.export([_span(0xA11CE, 0xB0B)]) == SpanExportResult.SUCCESS
        exporter.shutdown()
    assert (proxy.lost, _answers(shared)) == (1, before + 2)
    status = shared.drained()
    assert status["dead_letters"] == 0
    spans = shared.get(f"/v1/traces/{0xA11CE:032x}").json()["spans"]
    assert [span["span_id"] for span in spans] == [f"{0xB0B:016x}"]


TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
POSTED: dict[str, tuple[str, dict[str, Any]]] = {
    "episodes": ("/v1/episodes", {"id": "twice", "messages": TALK, "outcome": {"success": True}}),
    "outcomes": ("/v1/outcomes", {"id": "twice", "episode": "twice", "success": False}),
}


def test_an_id_of_the_client_makes_a_retry_harmless(shared: Any) -> None:
    for kind, (path, body) in POSTED.items():
        headers = {"x-headrace-project": f"twice-{kind}"}
        answers = [shared.post(path, json=body, headers=headers).json() for _ in range(3)]
        assert answers == [{"accepted": 1, "rejected": 0, "ids": ["twice"], "errors": []}] * 3
    shared.drained()
    with shared.bench.lake() as lake:
        for kind in POSTED:
            counts = lake.rows(
                "select (select count(*) from episodes where project = $p) as episodes, "
                "(select count(*) from outcomes where project = $p) as outcomes",
                {"p": f"twice-{kind}"},
            )
            assert counts == [{"episodes": int(kind == "episodes"), "outcomes": 1}]
