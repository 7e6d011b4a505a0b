"""How fast the drain is: `python benchmarks/drain.py [--bodies 2000]`.

Fills a real spool with OTLP bodies of 10 model calls and lets a real drain carry it into a fresh
lake, at three sizes. Printed are spans per second, CPU microseconds per span for reading (payload
to rows) and for writing (everything else), the peak of memory, and the ratio to a bare floor that
is measured in the same run: `ParseFromString` and the same payloads appended as one BLOB column.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from headrace.ingest import log, reader
from headrace.ingest.batch import Body
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import Drain
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START_NS = 1_767_225_600 * 10**9
CALLS = 10  # spans of a body
PROTOBUF = "application/x-protobuf"
MIB = 1024 * 1024

T = TypeVar("T")


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one body are like."""

    name: str
    chars: int  # of a message
    loop: bool  # whether every call repeats the history of the calls before


SIZES = (
    Size(name="single calls, 1.5 KB a span", chars=200, loop=False),
    Size(name="single calls, 3 KB a span", chars=700, loop=False),
    Size(name="an agent's loop, 7 KB a span", chars=500, loop=True),
)


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    wall_s: float
    cpu_s: float  # of all threads
    peak_mib: float  # of the process, its own start included


def body(size: Size, number: int) -> bytes:
    """One export of an instrumented agent: OTel GenAI attributes, messages as JSON text."""
    rng = Random(number)
    history = [_text("user", rng, size.chars)]
    spans = []
    for call in range(CALLS):
        if not size.loop:
            history = [_text("user", rng, size.chars), *_tool_round(f"{number}-{call}", rng, size)]
        answer = {**_text("assistant", rng, size.chars), "finish_reason": "stop"}
        spans.append(_span(rng, number, call, history, answer))
        history = [*history, *_tool_round(f"{number}-{call}", rng, size)]
    scope = ScopeSpans(spans=spans)
    scope.scope.name = "opentelemetry.instrumentation.genai.openai"
    group = ResourceSpans(scope_spans=[scope])
    group.resource.attributes.extend(_pairs(RESOURCE))
    return bytes(ExportTraceServiceRequest(resource_spans=[group]).SerializeToString())


RESOURCE = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "service.name": "shop-agent",
    "service.version": "4.2.0",
    "deployment.environment.name": "production",
}
_FIELDS = {str: "string_value", int: "int_value", float: "double_value"}
SYSTEM = json.dumps([{"type": "text", "content": "You help customers of a shop. " * 10}])
TOOLS = json.dumps(
    [
        {
            "type": "function",
            "name": name,
            "description": f"Work on {name} of a customer's order",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        }
        for name in ("look_up", "refund", "cancel")
    ]
)


def _span(rng: Random, number: int, call: int, history: object, answer: object) -> Span:
    start = START_NS + (number * CALLS + call) * 10**9
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number * CALLS + call + 1).to_bytes(8, "big"),
        name="chat gpt-5.1",
        start_time_unix_nano=start,
        end_time_unix_nano=start + 700_000_000,
        attributes=_pairs(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-5.1",
                "gen_ai.response.model": "gpt-5.1-2026-01-01",
                "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(64):016x}",
                "gen_ai.request.temperature": 0.7,
                "gen_ai.request.max_tokens": 1024,
                "gen_ai.usage.input_tokens": 700,
                "gen_ai.usage.output_tokens": 120,
                "gen_ai.conversation.id": f"conversation-{number}",
                "user.id": f"user-{number % 1000}",
                "server.address": "api.openai.com",
                "server.port": 443,
                "gen_ai.system_instructions": SYSTEM,
                "gen_ai.tool.definitions": TOOLS,
                "gen_ai.input.messages": json.dumps(history),
                "gen_ai.output.messages": json.dumps([answer]),
            }
        ),
    )


def _text(role: str, rng: Random, chars: int) -> dict[str, object]:
    words = " ".join(f"{rng.getrandbits(20):x}" for _ in range(chars // 6))
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def _tool_round(name: str, rng: Random, size: Size) -> list[dict[str, object]]:
    asked = {"type": "tool_call", "id": name, "name": "look_up", "arguments": {"order_id": name}}
    found = {"type": "tool_call_response", "id": name, "response": "x" * (size.chars // 2)}
    return [{"role": "assistant", "parts": [asked]}, {"role": "tool", "parts": [found]}]


def _pairs(attributes: Mapping[str, object]) -> Iterator[KeyValue]:
    for key, value in attributes.items():
        pair = KeyValue(key=key)
        setattr(pair.value, _FIELDS[type(value)], value)
        yield pair


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=2000)
    given = parser.parse_args()
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            alone(filled, home, size, given.bodies)
            floor, reading, all_of_it = (alone(work, home) for work in (bare, read, drained))
        spans = given.bodies * CALLS
        print(told(size, spans, reading=reading, all_of_it=all_of_it, floor=floor), flush=True)


def told(size: Size, spans: int, *, reading: Cost, all_of_it: Cost, floor: Cost) -> str:
    us = 1e6 / spans
    return (
        f"{size.name}: {spans / all_of_it.wall_s:,.0f} spans/s, CPU per span: "
        f"read {reading.cpu_s * us:.0f} us, write {(all_of_it.cpu_s - reading.cpu_s) * us:.0f} us, "
        f"{all_of_it.cpu_s / floor.cpu_s:.1f} times the floor of {floor.cpu_s * us:.0f} us; "
        f"peak {all_of_it.peak_mib:.0f} MiB"
    )


def alone(work: Callable[..., T], *arguments: object) -> T:
    """The result of a function run in a process of its own: a peak of memory is a process's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def filled(home: Path, size: Size, bodies: int) -> None:
    with Spool.open(Settings(home=home)) as spool:
        sent = [spool.append("traces", PROTOBUF, "p", body(size, n), NOW) for n in range(bodies)]
        for future in sent:
            future.result()


def drained(home: Path) -> Cost:
    """A spool carried into the lake of its home, as the process behind `headrace serve` does."""
    settings = Settings(home=home)
    log.configure(settings.log_format)  # to stderr
    with (
        Spool.open(settings) as spool,
        Lake.open(settings=settings) as lake,
        Bookmark(home / "drain.bookmark") as bookmark,
    ):
        drain = Drain(lake, spool, bookmark, limit=settings.drain_rows, clock=lambda: NOW)
        return measured(lambda: sum(iter(drain.carry, 0)))


def read(home: Path) -> Cost:
    """Payloads to rows and no further."""

    def work() -> None:
        for bodies in taken(spool):
            for one in bodies:
                reader.read(one)

    with Spool.open(Settings(home=home)) as spool:
        return measured(work)


def bare(home: Path) -> Cost:
    """The floor: the same payloads parsed, and appended raw in transactions of the same size."""

    def work() -> None:
        for bodies in taken(spool):
            for one in bodies:
                ExportTraceServiceRequest().ParseFromString(one.payload)
            appended(lake, [Raw(body=one.payload) for one in bodies])

    with (
        Spool.open(Settings(home=home)) as spool,
        Lake.open(settings=Settings(home=home / "floor")) as lake,
    ):
        lake.write(lambda tx: tx.run("create table raw (body blob)"))
        return measured(work)


def appended(lake: Lake, rows: list[Raw]) -> None:
    lake.write(lambda tx: tx.append("raw", rows))


def taken(spool: Spool) -> Iterator[list[Body]]:
    """Everything that waits, as the drain takes it."""
    seq = 0
    while bodies := spool.take(Settings().drain_rows, after=seq):
        yield bodies
        seq = bodies[-1].seq


def measured(work: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(
        wall_s=time.perf_counter() - wall,
        cpu_s=time.process_time() - cpu,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB,
    )


if __name__ == "__main__":
    main()
