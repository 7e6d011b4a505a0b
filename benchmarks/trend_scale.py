"""What a verdict costs as scores grow: `python benchmarks/trend_scale.py`.

`[--scores 100000 1000000 4000000]`, of 20 releases x 25 attempts, in random order, with text ids.
Each size is judged in a process of its own: CPU and wall seconds, peak memory of the process with
and without the frame, and CPU in units of what Polars takes to average the attempts of every case
and release of the same frame.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from headrace.evals.plateau import judge_trend

RELEASES, EPOCHS = 20, 25


def frame(scores: int) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    cases = scores // (RELEASES * EPOCHS)
    case, release, epoch = (axis.ravel() for axis in np.indices((cases, RELEASES, EPOCHS)))
    order = rng.permutation(case.size)
    return pl.DataFrame(
        {
            "release": release,
            "run": release,
            "case_id": pl.Series(case).cast(pl.String) + "-of-a-suite-grown-from-production",
            "cluster": pl.Series(case // 4).cast(pl.String) + "-customer",
            "slice": pl.Series(case % 8).cast(pl.String) + "-slice",
            "epoch": epoch,
            "value": (rng.random(case.size) < 0.7).astype(float),
        }
    )[order]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall, best of three."""
    best = (float("inf"), float("inf"))
    for _ in range(3):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
    return best


def peak() -> float:
    """GB, of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(scores: int) -> dict[str, float]:
    given = frame(scores)
    before = peak()
    cpu, wall = seconds(lambda: judge_trend(given, delta=0.03))
    after = peak()
    plain, _ = seconds(
        lambda: given.group_by("release", "case_id", "cluster").agg(pl.col("value").mean())
    )
    return {"cpu": cpu, "wall": wall, "frame": before, "peak": after, "plain": plain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, nargs="+", default=[100_000, 1_000_000, 4_000_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one)))
        return
    shown = Table(title=f"Verdicts over {RELEASES} releases x {EPOCHS} attempts")
    for column in ("scores", "CPU s", "wall s", "CPU µs a score", "x group-by"):
        shown.add_column(column, justify="right")
    for column in ("peak GB", "of it before"):
        shown.add_column(column, justify="right")
    for scores in given.scores:
        command = [sys.executable, __file__, f"--one={scores}"]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        shown.add_row(
            f"{scores:,}",
            f"{found['cpu']:.2f}",
            f"{found['wall']:.2f}",
            f"{found['cpu'] / scores * 1e6:.2f}",
            f"{found['cpu'] / found['plain']:.1f}",
            f"{found['peak']:.2f}",
            f"{found['frame']:.2f}",
        )
    Console().print(shown)


if __name__ == "__main__":
    main()
