"""What removing secrets costs: `python benchmarks/stripping.py [--spans 1000] [--span-bytes 3000]`.

CPU time of one process, best of seven, per span: decoding alone, then stripping spans without a
secret, and the same spans with one in their messages.
"""

import argparse
import random
import time
from collections.abc import Callable

import msgspec
from rich.console import Console
from rich.table import Table
from traffic import request

from headrace.ingest import otlp
from headrace.ingest.secrets.export import stripped
from headrace.ingest.telemetry import Export, SpanData

RUNS = 7
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"  # of no one


def microseconds(work: Callable[[], object], spans: int) -> float:
    best = float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / spans * 1e6


def soiled(span: SpanData) -> SpanData:
    """The span with a key in the first text of its messages."""
    own = {
        key: value.replace('"content": "', f'"content": "api_key={KEY}, ', 1)
        if isinstance(value, str)
        else value
        for key, value in span.attributes.items()
    }
    return msgspec.structs.replace(span, attributes=own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1000)
    parser.add_argument("--span-bytes", type=int, default=3000)
    given = parser.parse_args()
    body = request(given.spans, given.span_bytes, random.Random(7)).SerializeToString()

    def decode() -> Export:
        return otlp.decode("traces", "application/x-protobuf", body)

    clean = decode()
    dirty = Export(spans=tuple(soiled(span) for span in clean.spans))
    assert stripped(clean) is clean
    shown = Table(title=f"{given.spans} spans of {len(body) // given.spans} bytes, CPU of one core")
    shown.add_column("work")
    shown.add_column("µs a span", justify="right")
    for name, work in {
        "decoding": decode,
        "stripping, no secret": lambda: stripped(clean),
        f"stripping, {sum(bool(s.removed) for s in stripped(dirty).spans)} spans with a secret": (
            lambda: stripped(dirty)
        ),
    }.items():
        shown.add_row(name, f"{microseconds(work, given.spans):.1f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
