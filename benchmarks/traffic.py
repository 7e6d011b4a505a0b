"""A client that posts distinct OTLP bodies: `python benchmarks/traffic.py URL [--seconds 10]`.

Prints one JSON document: statuses, requests and spans a second, percentiles of the time to the
acknowledgement, and how many spans were acknowledged by when. With `--rate` requests go out at a
fixed pace, and the time counts from the moment each was due; without it each connection sends as
soon as it was answered.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE, SPAN, TOKEN = b"\x01TRACE-ID-16-OK\x02", b"\x03SPAN-8\x04", b"TOKENTOKENTOKENT"
TEMPLATES = 50
STEP_S = 0.1  # of the record of what was acknowledged by when
WORDS = (
    "order refund customer policy flight ticket change cancel because please seat date price "
    "agent tool answer check found total three day week address invoice payment status the a of "
    "to in for and is was will not if when with from your our this that it"
).split()


class Template:
    """A serialized request whose ids and texts are made new for each body."""

    def __init__(self, spans: int, span_bytes: int, rng: random.Random) -> None:
        self._bytes = bytearray(request(spans, span_bytes, rng).SerializeToString())
        self._traces = _places(self._bytes, TRACE)
        self._spans = _places(self._bytes, SPAN)
        self._tokens = _places(self._bytes, TOKEN)

    def body(self, run: int, number: int) -> bytes:
        """The body of a number: its ids and its messages are in no other body of any run."""
        # spread like real ids: numbers that count up would let a lake skip whole files
        seed = random.Random(run ^ number * 0x9E3779B97F4A7C15)
        trace = seed.randbytes(16)
        token = trace[:8].hex().encode()
        for at in self._traces:
            self._bytes[at : at + 16] = trace
        for index, at in enumerate(self._spans):
            self._bytes[at : at + 8] = seed.randbytes(7) + bytes([index + 1])
        for at in self._tokens:
            self._bytes[at : at + 16] = token
        return bytes(self._bytes)


def request(spans: int, span_bytes: int, rng: random.Random) -> ExportTraceServiceRequest:
    """LLM calls of an agent as an OTel GenAI SDK tells them."""
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    for key, value in {"service.name": "shop", "service.version": "7"}.items():
        attribute = resource.resource.attributes.add(key=key)
        attribute.value.string_value = value
    scope = resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.openai_v2"
    for _ in range(spans):
        _call(scope.spans.add(), span_bytes, rng)
    return made


def _call(span: Span, size: int, rng: random.Random) -> None:
    now = time.time_ns()
    span.trace_id, span.span_id, span.name, span.kind = TRACE, SPAN, "chat gpt-5", 3
    span.start_time_unix_nano, span.end_time_unix_nano = now, now + 10**9
    own = TOKEN.decode()
    asked = [
        _message("system", "You are the assistant of a shop. " * 10),
        _message("user", f"{own} {_prose(size * 5 // 10, rng)}"),
    ]
    said = [_message("assistant", f"{own} {_prose(size * 2 // 10, rng)}")]
    texts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2026-08-01",
        "gen_ai.response.id": own,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(said),
        "server.address": "api.openai.com",
    }
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    for key, number in {"input": 700, "output": 180}.items():
        attribute = span.attributes.add(key=f"gen_ai.usage.{key}_tokens")
        attribute.value.int_value = number


def _message(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _prose(size: int, rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=size // 5))[:size].ljust(size)


def _places(data: bytearray, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


class Connection(asyncio.Protocol):
    """One keep-alive connection; `done` is told the status and the seconds of each answer."""

    def __init__(self, head: bytes, done: Callable[["Connection", int, float], None]) -> None:
        self._head = head
        self._done = done
        self._since = 0.0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(high=1 << 30)

    def send(self, body: bytes, due: float) -> None:
        self._since = due
        length = str(len(body)).encode()
        self._transport.write(b"".join((self._head, length, b"\r\n\r\n", body)))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, rest = self._answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if found and len(rest) >= int(length or 0):
            self._answer = b""
            self._done(self, int(head[9:12]), time.perf_counter() - self._since)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(self, 0, 0.0)


class Load:
    """What is sent, and what came back."""

    def __init__(self, given: argparse.Namespace) -> None:
        rng = random.Random(given.seed)
        self._run = given.seed << 32 | int(time.time())
        self._given = given
        self._templates = [Template(given.spans, given.span_bytes, rng) for _ in range(TEMPLATES)]
        self._sent = 0
        self._idle: list[Connection] = []
        self._living = given.connections
        self._due: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.by_when: list[tuple[float, int]] = []

    async def go(self) -> None:
        given, loop = self._given, asyncio.get_running_loop()
        url = urlsplit(given.url)
        head = (
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n"
            "Content-Type: application/x-protobuf\r\nContent-Length: "
        ).encode()
        for _ in range(given.connections):
            _, made = await loop.create_connection(
                lambda: Connection(head, self._answered), url.hostname, url.port
            )
            self._idle.append(made)
        self._begun = time.perf_counter()
        self._end = self._begun + given.seconds
        record = asyncio.create_task(self._record())
        await (self._paced() if given.rate else self._greedy())
        while self._open():
            await asyncio.sleep(0.01)
        self.took = time.perf_counter() - self._begun
        record.cancel()
        self._note()

    def _open(self) -> bool:
        return len(self._idle) < self._living or bool(self._due and self._living)

    async def _greedy(self) -> None:
        for connection in self._idle[:]:
            self._idle.remove(connection)
            self._send(connection, time.perf_counter())
        await asyncio.sleep(self._given.seconds)

    async def _paced(self) -> None:
        number = 0
        while (now := time.perf_counter()) < self._end:
            while (due := self._begun + number / self._given.rate) <= now:
                number += 1
                self._due.append(due)
            self._serve()
            await asyncio.sleep(0.001)

    def _serve(self) -> None:
        while self._due and self._idle:
            self._send(self._idle.pop(0), self._due.pop(0))

    def _send(self, connection: Connection, due: float) -> None:
        self._sent += 1
        template = self._templates[self._sent % TEMPLATES]
        connection.send(template.body(self._run, self._sent), due)

    def _answered(self, connection: Connection, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(seconds)
        if status == 0:  # the connection was lost
            self._living -= 1
            self._idle = [other for other in self._idle if other is not connection]
        elif self._given.rate or time.perf_counter() >= self._end:
            self._idle.append(connection)
            self._serve()
        else:
            self._send(connection, time.perf_counter())

    async def _record(self) -> None:
        while True:
            self._note()
            await asyncio.sleep(STEP_S)

    def _note(self) -> None:
        self.by_when.append((time.time(), self.statuses[200] * self._given.spans))

    def report(self) -> dict[str, object]:
        ordered = sorted(self.seconds)
        acknowledged = self.statuses[200]
        return {
            "statuses": dict(self.statuses),
            "seconds": self.took,
            "requests_s": acknowledged / self.took,
            "spans_s": acknowledged * self._given.spans / self.took,
            "p50_ms": _percentile(ordered, 0.50),
            "p99_ms": _percentile(ordered, 0.99),
            "body_bytes": len(self._templates[0].body(0, 0)),
            "by_when": self.by_when,
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    return 1000 * ordered[int(share * (len(ordered) - 1))] if ordered else None


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: all it can")
    parser.add_argument("--spans", type=int, default=10)
    parser.add_argument("--span-bytes", type=int, default=2900)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main() -> None:
    load = Load(arguments().parse_args())
    uvloop.run(load.go())
    print(json.dumps(load.report()))


if __name__ == "__main__":
    main()
