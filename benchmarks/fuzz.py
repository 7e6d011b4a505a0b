"""Hostile bodies for the readers: `python benchmarks/fuzz.py [--seconds 60] [--seed N]`.

Bodies of the recorded fixtures are damaged field by field and byte by byte, checked as the receiver
does and read as the drain does. Anything but rows or Undecodable is a fault: its body is written
to a file and the exit status is 1. A worker may take 2 GiB of address space. Linux only.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from hostile import text, wire

from headrace.ingest import reader
from headrace.ingest.batch import Body, Signal
from headrace.ingest.errors import Undecodable

RECORDED = Path(__file__).parent.parent / "tests" / "fixtures" / "otlp"
JSON, PROTOBUF, LINES = "application/json", "application/x-protobuf", "application/x-ndjson"
MEMORY = 2 * 1024**3
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LARGEST = 12 * 1024  # of a seed: small bodies are damaged in more ways a second

EPISODE = b"""{"id": "e", "project": "p", "messages": [{"role": "user", "content": "hi"}, {"role":
"assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}, {"role":
"tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]}], "tools": [{"name": "f"}],
"usage": {"input_tokens": 3}, "cost_usd": "0.1", "started_at": "2026-01-01T00:00:00Z",
"outcome": {"success": true, "correction": "no"}, "metadata": {"task": "t", "n": [1],
"api_key": "abcdefghijklmnopqrstuvwxyz0123456789"}}"""
OUTCOME = b"""{"trace_id": "5b8efff798038103d269b633813fc60c", "name": "n", "score": 0.5, "id": 7,
"correction": {"content": [{"type": "text", "text": "so"}]}, "source": "human", "author": "a",
"at": "2026-01-01T00:00:00+02:00", "comment": "Authorization: Bearer
abcdefghijklmnopqrstuvwxyz0123456789"}"""


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """A sound body."""

    signal: Signal
    content_type: str
    payload: bytes


def seeds() -> list[Seed]:
    """Every recorded body of moderate size, and posted ones."""
    posted: list[tuple[Signal, bytes]] = [("episodes", EPISODE), ("outcomes", OUTCOME)]
    found = [*_recorded()]
    for signal, text_of in posted:
        line = text_of.replace(b"\n", b" ")
        found.append(Seed(signal=signal, content_type=JSON, payload=line))
        found.append(Seed(signal=signal, content_type=LINES, payload=b"\n".join([line] * 3)))
    return found


def _recorded() -> Iterator[Seed]:
    for path in sorted(RECORDED.rglob("*")):
        kind = {".bin": PROTOBUF, ".json": JSON}.get(path.suffix)
        if kind is None or path.name == "manifest.json" or path.stat().st_size > LARGEST:
            continue
        signal: Signal = "logs" if "logs" in path.name else "traces"
        yield Seed(signal=signal, content_type=kind, payload=path.read_bytes())


def damaged(seed: Seed, rng: random.Random) -> bytes:
    """The body of a seed, damaged one to three times."""
    payload = seed.payload
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.25:
            payload = _bytewise(payload, rng)
        elif seed.content_type == PROTOBUF:
            payload = wire.damaged(payload, rng)
        elif seed.content_type == LINES:
            lines = payload.split(b"\n")
            at = rng.randrange(len(lines))
            lines[at] = text.damaged(lines[at], rng)
            payload = b"\n".join(lines)
        else:
            payload = text.damaged(payload, rng)
    return payload


def _bytewise(payload: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(payload) + 1)
    upto = min(len(payload), at + rng.choice((1, 2, 8, 100)))
    match rng.randrange(4):
        case 0:
            return payload[:at] + payload[upto:]
        case 1:
            return payload[:upto] + payload[at:]
        case 2:
            return payload[:at] + rng.randbytes(upto - at) + payload[upto:]
        case _:
            return payload[:at]


def outcome(signal: Signal, content_type: str, payload: bytes, *, strict: bool) -> str:
    """`read`, or which of both readers refused; raises what is a fault of ours."""
    try:
        accepted = reader.check(signal, content_type, payload, None, strict=strict)
    except Undecodable:
        return "refused"
    if not accepted.accepted:
        return "nothing to keep"
    body = Body(
        seq=1,
        signal=signal,
        content_type=accepted.content_type,
        payload=accepted.kept,
        received_at=NOW,
    )
    try:
        batch = reader.read(body)
    except Undecodable:
        return "dead letter"
    msgspec.msgpack.encode(batch)  # rows that UTF-8 can hold
    return "read"


def run(seconds: float, seed: int) -> int:
    """Damage and read for so long; the number of faults."""
    rng, sound, told = random.Random(seed), seeds(), Counter[str]()
    faults = Path(tempfile.mkdtemp(prefix="headrace-fuzz-"))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chosen, strict = rng.choice(sound), rng.random() < 0.2
        payload = damaged(chosen, rng)
        try:
            told[outcome(chosen.signal, chosen.content_type, payload, strict=strict)] += 1
        except Exception as error:
            told["fault"] += 1
            file = faults / f"{type(error).__name__}-{told['fault']}.{chosen.signal}"
            file.write_bytes(payload)
            print(f"{file}: {chosen.content_type}, strict={strict}", file=sys.stderr)
            traceback.print_exc(limit=-3)
    print(f"{sum(told.values()):,} bodies: {dict(told)}")
    return told["fault"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return 1 if run(given.seconds, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
