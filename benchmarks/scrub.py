"""What the scrub finds and costs: `python benchmarks/scrub.py [--episodes 300] [--filler 12]`.

On made-up episodes (`headrace.curate.silver.canary`), beside the usual way: a pattern for each kind
over the raw JSON. CPU of one process, best of three; MB are of the episodes as JSON.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from headrace.curate.scrub.episode import scrub
from headrace.curate.silver.canary import Case, Tally, cases, strings, tally
from headrace.ingest.secrets.tree import Stripper

RUNS = 3
KEY = bytes(range(32))
USUAL = tuple(
    map(
        re.compile,
        (
            r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
            r"\b(?:\d[ -]*?){13,16}\b",
            r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
            r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
            r"\b\d{3}-\d{2}-\d{4}\b",
            r"(?:\+?\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}",
        ),
    )
)


def usual(given: list[Case]) -> tuple[list[list[str]], int]:
    out, replaced = [], 0
    for case in given:
        text = json.dumps(case.messages, ensure_ascii=False)
        for pattern in USUAL:
            text, places = pattern.subn("[removed]", text)
            replaced += places
        out.append([text.replace('\\"', '"')])
    return out, replaced


def ours(given: list[Case]) -> tuple[list[list[str]], int]:
    done = [scrub(case.messages, KEY) for case in given]
    texts = [list(strings(list(one.messages))) for one in done]
    return texts, sum(sum(one.found.values()) for one in done)


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--filler", type=int, default=12, help="530 characters each, in the system")
    given = parser.parse_args()
    corpus = cases(random.Random(7), given.episodes, given.filler)
    size = sum(len(json.dumps(case.messages).encode()) for case in corpus) / 1e6
    show = Table(title=f"{given.episodes} episodes, {size:.1f} MB")
    tallies: dict[str, Tally] = {
        "headrace": tally(corpus, *ours(corpus)),
        "patterns on raw JSON": tally(corpus, *usual(corpus)),
    }
    for column in ("", *tallies):
        show.add_column(column, justify="right")
    for kind in sorted(tallies["headrace"].planted):
        show.add_row(f"recall {kind}", *(f"{own.recall(kind):.3f}" for own in tallies.values()))
    show.add_row("precision", *(f"{own.precision:.3f}" for own in tallies.values()))
    show.add_row("negatives lost", *(str(len(own.lost)) for own in tallies.values()))
    speeds = [
        size / seconds(lambda: [scrub(case.messages, KEY) for case in corpus]),
        size / seconds(lambda: usual(corpus)),
    ]
    show.add_row("MB/CPU-s", *(f"{speed:.2f}" for speed in speeds))
    Console().print(show)
    bare = size / seconds(lambda: [Stripper().value(case.messages) for case in corpus])
    print(f"removing secrets alone: {bare:.1f} MB/CPU-s")


if __name__ == "__main__":
    main()
