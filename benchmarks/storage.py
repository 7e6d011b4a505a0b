"""How much of what agents send the lake keeps: `python benchmarks/storage.py [--loops 10 40 160]`.

Each agent runs a loop of 30 tool calls, and every LLM span repeats all that went before, as the
OpenTelemetry GenAI conventions have it. Bytes of OTLP protobuf over HTTP against bytes on disk.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
from durable.plant import Plant
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from rich.console import Console
from rich.table import Table

from headrace.ingest.upkeep import Upkeep
from headrace.lake import Lake
from headrace.lake.settings import Settings

TURNS = 30
BODY_SPANS = 10
RESULT_CHARS = (500, 2000)
T0_NS = 1_767_225_600_000_000_000
GZIP_LEVEL = 6
LEAST = 20  # times less on disk than sent

WORDS = [
    "".join(random.Random(n).choices("abcdefghijklmnoprstuvw", k=2 + n % 9)) for n in range(4000)
]
FIELDS = ("query", "account", "order", "date", "limit")
Json = dict[str, Any]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one number of loops."""

    loops: int
    spans: int
    sent: int
    gzipped: int  # what a client with compression sends of the same bodies
    data: int  # Parquet files
    catalog: int
    tables: dict[str, int]  # bytes of the Parquet files of a table
    kept_up: int  # data and catalog once small files were merged and the merged ones removed

    @property
    def stored(self) -> int:
        return self.data + self.catalog

    @property
    def ratio(self) -> float:
        return self.sent / self.stored


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, nargs="+", default=[10, 40, 160])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sizes = [measured(loops, given.seed) for loops in given.loops]
    if given.json:
        print(msgspec.json.encode(sizes).decode())
    else:
        show(sizes)
    return 0 if all(size.ratio >= LEAST for size in sizes) else 1


def measured(loops: int, seed: int) -> Size:
    """Post so many loops to a fresh sidecar, wait until they are in the lake, look at the disk."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        settings = Settings(home=Path(folder) / "home", port=0)
        plant = Plant(settings)
        plant.start()
        try:
            spans, sent, gzipped = _posted(plant.port or 0, loops, rng)
            plant.drained()
            plant.stop()
        finally:
            plant.end()
        return Size(
            loops=loops,
            spans=spans,
            sent=sent,
            gzipped=gzipped,
            data=_data(settings),
            catalog=_catalog(settings),
            tables=_tables(settings),
            kept_up=_kept_up(settings),
        )


def loop(number: int, rng: random.Random) -> Iterator[Span]:
    """The spans of one agent run: a call of the model and a run of a tool for each turn."""
    tools = _dump([_tool(name) for name in range(12)])
    system = _dump([{"type": "text", "content": _text(random.Random(-1), 3000)}])
    history: list[Json] = [{"role": "user", "parts": [_part(_text(rng, 300))]}]
    for turn in range(TURNS + 1):
        call_id, name = f"call_{number}_{turn}", f"tool_{turn % 12}"
        arguments = {"query": _text(rng, 60), "limit": turn}
        if turn < TURNS:
            part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
            reply: Json = {"role": "assistant", "parts": [part], "finish_reason": "tool_call"}
        else:
            parts = [_part(_text(rng, 600))]
            reply = {"role": "assistant", "parts": parts, "finish_reason": "stop"}
        said = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5-mini",
            "gen_ai.response.model": "gpt-5-mini-2025-08-07",
            "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(96):024x}",
            "gen_ai.response.finish_reasons": [reply["finish_reason"]],
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 4096,
            "gen_ai.usage.input_tokens": 900 + 400 * turn,
            "gen_ai.usage.output_tokens": rng.randint(20, 200),
            "gen_ai.conversation.id": f"conversation-{number}",
            "gen_ai.system_instructions": system,
            "gen_ai.tool.definitions": tools,
            "gen_ai.input.messages": _dump(history),
            "gen_ai.output.messages": _dump([reply]),
        }
        yield _span(number, 2 * turn, "chat gpt-5-mini", said)
        history.append({key: reply[key] for key in ("role", "parts")})
        if turn < TURNS:
            result = _text(rng, rng.randint(*RESULT_CHARS))
            said = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.call.arguments": _dump(arguments),
                "gen_ai.tool.call.result": result,
            }
            yield _span(number, 2 * turn + 1, f"execute_tool {name}", said)
            answer = {"type": "tool_call_response", "id": call_id, "response": result}
            history.append({"role": "tool", "parts": [answer]})


def bodies(number: int, rng: random.Random) -> Iterator[tuple[int, bytes]]:
    """Number of spans and bytes of each request of one agent run."""
    spans = list(loop(number, rng))
    for start in range(0, len(spans), BODY_SPANS):
        export = ExportTraceServiceRequest()
        resource = export.resource_spans.add()
        resource.resource.attributes.extend(
            [
                _pair("service.name", "shop-agent"),
                _pair("service.version", "1.4.2"),
                _pair("telemetry.sdk.language", "python"),
            ]
        )
        scope = resource.scope_spans.add()
        scope.scope.name = "opentelemetry.instrumentation.openai_v2"
        scope.spans.extend(spans[start : start + BODY_SPANS])
        yield len(scope.spans), export.SerializeToString()


def show(sizes: list[Size]) -> None:
    columns = ("loops", "spans", "OTLP sent", "the same gzipped", "Parquet", "catalog", "on disk")
    table = Table(*columns, "times less", "than gzip", "after upkeep", title="bytes")
    for size in sizes:
        figures = (size.loops, size.spans, size.sent, size.gzipped, size.data, size.catalog)
        cells = [f"{figure:,}" for figure in (*figures, size.stored)]
        ratios = (f"{size.ratio:.1f}", f"{size.gzipped / size.stored:.1f}")
        table.add_row(*cells, *ratios, f"{size.kept_up:,}")
    console = Console(width=max(Console().width, 130))
    console.print(table)
    for size in sizes:
        told = ", ".join(f"{name} {count:,}" for name, count in size.tables.items())
        console.print(f"{size.loops} loops, Parquet by table: {told}")


def _posted(port: int, loops: int, rng: random.Random) -> tuple[int, int, int]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    spans = sent = gzipped = 0
    for number in range(loops):
        for count, body in bodies(number, rng):
            headers = {"content-type": "application/x-protobuf"}
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"a body was answered {answer.status}")
            spans += count
            sent += len(body)
            gzipped += len(gzip.compress(body, GZIP_LEVEL))
    connection.close()
    return spans, sent, gzipped


def _tables(settings: Settings) -> dict[str, int]:
    with Lake.open(settings=settings, create=False) as lake:
        rows = lake.rows(
            "select table_name as name, file_size_bytes + delete_file_size_bytes as size "
            "from ducklake_table_info('lake') where size > 0 order by size desc"
        )
    return {row["name"]: row["size"] for row in rows}


def _kept_up(settings: Settings) -> int:
    with Lake.open(settings=settings, create=False) as lake:
        upkeep = Upkeep(lake, clock=lambda: datetime.now(UTC) + timedelta(days=2), every=1)
        upkeep.after(1)
        upkeep.after(0)
    return _data(settings) + _catalog(settings)


def _data(settings: Settings) -> int:
    files = (path for path in (settings.home / "data").rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def _catalog(settings: Settings) -> int:
    return sum(path.stat().st_size for path in settings.home.glob("catalog.sqlite*"))


def _span(number: int, index: int, name: str, said: Json) -> Span:
    start = T0_NS + (number * 3600 + index) * 10**9
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=((number << 16) + index + 1).to_bytes(8, "big"),
        name=name,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 8 * 10**8,
        attributes=[_pair(key, value) for key, value in said.items()],
    )


def _pair(key: str, value: object) -> KeyValue:
    return KeyValue(key=key, value=_any(value))


def _any(value: object) -> AnyValue:
    if isinstance(value, list):
        made = AnyValue()
        made.array_value.values.extend(_any(entry) for entry in value)
        return made
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=str(value))


def _tool(number: int) -> Json:
    rng = random.Random(number)
    properties = {field: {"type": "string", "description": _text(rng, 80)} for field in FIELDS}
    return {
        "type": "function",
        "name": f"tool_{number}",
        "description": _text(rng, 200),
        "parameters": {"type": "object", "properties": properties, "required": list(FIELDS)},
    }


def _part(text: str) -> Json:
    return {"type": "text", "content": text}


def _text(rng: random.Random, characters: int) -> str:
    """Words, the common ones more often: it compresses about as prose does."""
    words: list[str] = []
    while characters > 0:
        words.append(WORDS[int(len(WORDS) * rng.random() ** 3)])
        characters -= len(words[-1]) + 1
    return " ".join(words)


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
