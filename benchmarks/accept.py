"""Does the trend verdict keep its bounds? `python benchmarks/accept.py [--cases 100]`.

28 kinds of simulated histories with known truth, so many of each; the verdict is asked at every
look. Ends with 1 where a bound is broken beyond chance. `--seed 20000` on is what a release is
accepted on: to work with, choose others.
"""

import argparse
import sys

from histories.acceptance import BOUNDS, Bound
from histories.scoring import run_cell
from rich.console import Console
from rich.table import Table
from rules import product


def rows(bound: Bound, seeds: range) -> list[tuple[str, str, str, str, str]]:
    rates = run_cell(
        bound.scenario, {"product": product}, seeds, nightly=bound.nightly, **bound.size
    )["product"]
    size = " ".join(f"{key}={value}" for key, value in bound.size.items())
    size += " nightly" if bound.nightly else ""
    return [
        (f"{bound.scenario} {size}", figure, f"{found:.3f}", most, "" if holds else "BROKEN")
        for figure, found, most, holds in bound.judge(rates)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="histories of each kind")
    parser.add_argument("--seed", type=int, default=7000)
    given = parser.parse_args()
    shown = Table(title=f"{given.cases} histories of each kind, seeds from {given.seed}")
    for column in ("histories", "figure", "found", "bound", ""):
        shown.add_column(column)
    found = [
        row for bound in BOUNDS for row in rows(bound, range(given.seed, given.seed + given.cases))
    ]
    for row in found:
        shown.add_row(*row)
    Console().print(shown)
    sys.exit(any(row[-1] for row in found))


if __name__ == "__main__":
    main()
