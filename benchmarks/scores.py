"""How long Inspect logs take to load: `python benchmarks/scores.py [--logs 100 300 1000]`.

One run of a mock model over 100 samples is written as many logs, each a release of its own (not
counted), and `headrace eval load` takes the folder into a fresh lake, in a process of its own.
Printed are seconds, scores a second, the peak of memory, seconds a log compared with the smallest
size, and how much longer Inspect's public calls (header, then summaries) take to read the same logs
and write nothing. Every value is compared with what was put in.
"""

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
from rich.console import Console
from rich.table import Table

os.environ["INSPECT_DISPLAY"] = "none"

SIZES = (100, 300, 1_000)
QUICK = (5, 15)
SAMPLES = 100
LIMIT_S = 60.0  # for the 1,000 logs
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 1024  # KiB
PUBLIC = 100  # logs that Inspect's public calls read at most


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of one size."""

    logs: int
    scores: int
    seconds: float
    peak_mib: float
    public_s_per_log: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, nargs="+", default=SIZES)
    parser.add_argument("--quick", action="store_true", help="a few logs, for a smoke test")
    asked = parser.parse_args()
    sizes = QUICK if asked.quick else tuple(sorted(asked.logs))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        names = write_logs(place, seed(place / "seed"), max(sizes))
        costs = [alone(cost, folder, names[:size]) for size in sizes]
    show(costs)
    if costs[-1].logs >= 1_000 and costs[-1].seconds > LIMIT_S * costs[-1].logs / 1_000:
        raise SystemExit(f"slower than {LIMIT_S:g} s per 1,000 logs")


def seed(folder: Path) -> Path:
    """The log of a real run of Inspect over 100 samples, two thirds of them right."""
    from inspect_ai import Task
    from inspect_ai import eval as inspect_eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    def answer(messages: Any, *_: Any) -> ModelOutput:
        right = int(messages[-1].text.split()[1]) % 3 > 0
        output = ModelOutput.from_content("mockllm/model", "word " * 120 + ("yes", "no")[not right])
        output.usage = ModelUsage(input_tokens=1000, output_tokens=121, total_tokens=1121)
        return output

    samples = [
        Sample(
            id=f"q{i}",
            input=f"question {i} " + "about something " * 350,
            target="yes",
            metadata={"cluster": f"customer {i % 20}", "slice": "ab"[i % 2]},
        )
        for i in range(SAMPLES)
    ]
    [log] = inspect_eval(
        Task(dataset=samples, solver=generate(), scorer=match(), name="seed"),
        model=get_model("mockllm/model", custom_outputs=answer, memoize=False),
        log_dir=str(folder),
        display="none",
        score_display=False,
    )
    return Path(log.location)


def write_logs(folder: Path, log: Path, count: int) -> list[str]:
    """As many logs, like the one but for their ids, times and releases."""
    with ZipFile(log) as archive:
        members = {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.startswith("_journal/summaries")
        }
    names = []
    for number in range(count):
        path = folder / f"{number:05}.eval"
        with ZipFile(path, "w", compression=93) as archive:
            for name, body in members.items():
                archive.writestr(name, renamed(name, body, number))
        names.append(str(path))
    return names


def renamed(name: str, body: bytes, number: int) -> bytes:
    said = json.loads(body) if name in ("header.json", "summaries.json") else None
    if name == "header.json":
        said["eval"] |= {
            **{"eval_id": f"eval{number}", "task_id": f"task{number}", "run_id": f"run{number}"},
            "created": (FIRST + timedelta(days=number)).isoformat(),
            "tags": [f"release:v{number}"],
        }
    if name == "summaries.json":
        for row in said:
            row["uuid"] += f"-{number}"
    return body if said is None else json.dumps(said).encode()


def alone(work: Any, *given: Any) -> Any:
    """In a process of its own, whose peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def cost(folder: str, names: Sequence[str]) -> Cost:
    from headrace.evals.load import load
    from headrace.evals.scores import log as _imported  # noqa: F401  Inspect's import is not counted
    from headrace.lake import Lake

    home = Path(folder) / f"home{len(names)}"
    with Lake.open(home) as lake:
        started = time.perf_counter()
        loaded = load(lake, "mine", names, suite="s", now=datetime.now(UTC))
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
        check(lake, loaded, len(names))
    shutil.rmtree(home)
    public = alone(public_seconds, names[:PUBLIC])
    return Cost(
        logs=len(names),
        scores=loaded.scores,
        seconds=seconds,
        peak_mib=peak,
        public_s_per_log=public / len(names[:PUBLIC]),
    )


def check(lake: Any, loaded: Any, logs: int) -> None:
    """Two thirds of all values are one, in every release, and nothing is absent or lost."""
    [found] = lake.rows(
        "select count(*) as n, count(distinct release) as releases, sum(value) as good, "
        "count(value) as present from scores join runs using (run_id)"
    )
    good = sum(i % 3 > 0 for i in range(SAMPLES)) * logs
    wanted = {"n": logs * SAMPLES, "releases": logs, "good": good, "present": logs * SAMPLES}
    if found != wanted or loaded.written != logs * SAMPLES or loaded.cases != SAMPLES:
        raise SystemExit(f"{found} in the lake, not {wanted}")


def public_seconds(names: Sequence[str]) -> float:
    """What Inspect's documented calls take to read as much, the best of two."""
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    taken = []
    for _ in range(2):
        started = time.perf_counter()
        for name in names:
            read_eval_log(name, header_only=True)
            read_eval_log_sample_summaries(name)
        taken.append(time.perf_counter() - started)
    return min(taken)


def show(costs: Sequence[Cost]) -> None:
    table = Table(box=None, title="headrace eval load", title_justify="left")
    for name in ("logs", "scores", "s", "scores/s", "peak MiB", "ms a log", "against smallest"):
        table.add_column(name, justify="right")
    table.add_column("public calls, ms a log", justify="right")
    table.add_column("public / load", justify="right")
    least = costs[0].seconds / costs[0].logs
    for cost in costs:
        each = cost.seconds / cost.logs
        table.add_row(
            *(f"{cost.logs:,}", f"{cost.scores:,}", f"{cost.seconds:.1f}"),
            *(f"{cost.scores / cost.seconds:,.0f}", f"{cost.peak_mib:,.0f}"),
            *(f"{1000 * each:.1f}", f"{each / least:.2f}"),
            *(f"{1000 * cost.public_s_per_log:.1f}", f"{cost.public_s_per_log / each:.1f}"),
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
