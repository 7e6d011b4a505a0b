"""The bundled sample: real agent runs with their outcomes, placed on a calendar of releases."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import msgspec

Json = dict[str, Any]

WEEK = timedelta(days=7)
NEWEST = timedelta(days=2)  # age of the newest release


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded conversation of an agent with the outcome its benchmark gave it."""

    run_id: str  # 32 hex digits; the trace id of the replay
    project: str
    task: str
    release: str
    model: str
    user: str | None
    started_at: datetime
    success: bool
    messages: tuple[Json, ...]  # OpenAI chat shape
    generated: tuple[bool, ...]  # per message: written by the model in this run


def runs(now: datetime) -> list[Run]:
    """All 260 runs; the newest releases began two days before `now`."""
    return [*taubench(now), *tau2(now)]


def taubench(now: datetime) -> Iterator[Run]:
    """140 runs of one agent, its four trials told as four releases.

    So the truth is known: nothing changed between the releases.
    """
    for i, row in enumerate(_rows("taubench_airline.jsonl.gz")):
        yield _run(
            row,
            project="taubench-airline",
            release=f"1.{row['trial']}",
            started_at=now - NEWEST - WEEK * (3 - row["trial"]) + timedelta(minutes=6 * (i % 35)),
            generated=[m["role"] == "assistant" for m in row["messages"]],
        )


def tau2(now: datetime) -> Iterator[Run]:
    """120 runs of one agent before and after it was fine-tuned, as two releases."""
    for i, row in enumerate(_rows("tau2_before_after.jsonl.gz")):
        age = 1 if row["release"].startswith("1") else 0
        yield _run(
            row,
            project="tau2-service",
            release=row["release"],
            started_at=now - NEWEST - WEEK * age + timedelta(minutes=6 * (i % 60)),
            generated=["usage" in m for m in row["messages"]],
        )


def observed_tools(sample: Sequence[Run]) -> list[Json]:
    """Tool definitions as far as the calls show them: names, argument names and JSON types."""
    seen: dict[str, dict[str, str]] = {}
    for call in _calls(sample):
        arguments = seen.setdefault(call["function"]["name"], {})
        for name, value in json.loads(call["function"]["arguments"]).items():
            arguments[name] = _json_type(value)
    return [_definition(name, arguments) for name, arguments in sorted(seen.items())]


def _rows(file: str) -> list[Json]:
    packed = (files("headrace.console") / "sample" / file).read_bytes()
    return [json.loads(line) for line in gzip.decompress(packed).splitlines()]


def _run(row: Mapping[str, Any], *, generated: list[bool], **fields: Any) -> Run:
    return Run(
        run_id=blake2b(row["source"].encode(), digest_size=16).hexdigest(),
        task=row["task"],
        model=row["model"],
        user=row.get("user"),
        success=row["reward"] == 1.0,
        messages=tuple(row["messages"]),
        generated=tuple(generated),
        **fields,
    )


def _calls(sample: Sequence[Run]) -> Iterator[Json]:
    for run in sample:
        for message in run.messages:
            yield from message.get("tool_calls") or []


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "string"


def _definition(name: str, arguments: Mapping[str, str]) -> Json:
    properties = {key: {"type": kind} for key, kind in sorted(arguments.items())}
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "name": name, "parameters": parameters}
