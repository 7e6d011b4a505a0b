"""The trend verdict beside rules in common use, on the same histories with known truth.

`python benchmarks/plateau.py [--histories 200] [--seed 1000] [--quick]`: share of histories in
which a rule claims something false at any look (FP a plateau, FI an improvement), and in which it
says what is true while it is (hit). delta is 0.03 per 3 releases. 12 releases and 200 cases: first
with 4 attempts at each and a look at every release; then a quarter as many histories with an
attempt and a look every night, 8 nights a release.
"""

import argparse
from typing import Any

import msgspec
from histories.scoring import Rates, run_cell
from rich.console import Console
from rich.table import Table
from rules import RULES


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    scenario: str
    kind: str  # FP, FI, hit
    truth: str  # of a hit

    @property
    def title(self) -> str:
        return f"{self.kind} {self.scenario.replace('_', ' ')}"

    def of(self, rates: Rates) -> float | None:
        if self.kind == "hit":
            return rates.hits(self.truth)
        return rates.ever_false("plateaued" if self.kind == "FP" else "improving")


def figures(*names: str) -> tuple[Figure, ...]:
    """From `FP steady_1x` or `hit flat plateaued`."""
    parts = [name.split() for name in names]
    return tuple(
        Figure(kind=kind, scenario=scenario, truth="".join(truth))
        for kind, scenario, *truth in parts
    )


AT_RELEASES = figures(
    "FP steady_2x",
    "FP steady_1x",
    "FP step_up_1x",
    "FP regression",
    "FI flat",
    "FI slow_drift",
    "hit flat plateaued",
    "hit steady_2x improving",
    "hit regression regressed",
)
AT_NIGHT = figures("FP steady_1x", "FP step_up_1x", "FI flat", "hit flat plateaued")


def table(title: str, shown: tuple[Figure, ...], seeds: range, **cell: Any) -> Table:
    cells = {
        scenario: run_cell(scenario, RULES, seeds, **cell)
        for scenario in dict.fromkeys(figure.scenario for figure in shown)
    }
    drawn = Table(title=title)
    drawn.add_column("rule")
    for figure in shown:
        drawn.add_column(figure.title, justify="right")
    for rule in RULES:
        found = [figure.of(cells[figure.scenario][rule]) for figure in shown]
        drawn.add_row(rule, *("-" if f is None else f"{f:.2f}" for f in found))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="8 histories: the form, no figures")
    given = parser.parse_args()
    count = 8 if given.quick else given.histories
    seeds = range(given.seed, given.seed + count)
    few = seeds[: max(1, count // 4)]
    console = Console(width=160)
    console.print(
        table(f"{count} histories, a look at each release", AT_RELEASES, seeds, n=200, E=4)
    )
    console.print(
        table(f"{len(few)} histories, a look every night", AT_NIGHT, few, n=200, E=8, nightly=True)
    )


if __name__ == "__main__":
    main()
