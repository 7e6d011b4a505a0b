"""How often a 95 % interval of a difference holds the truth: `python benchmarks/coverage.py`.

`[--draws 4000] [--seed 1]`. Two releases of one true quality, measured on the same cases, so often:
the share of intervals with zero in them, for Headrace's and for those in common use (McNemar's
test: the share in which it finds nothing). Then how wide they are, in units of a paired t
interval. Ends with 1 where Headrace's covers less than 93.5 % or has no width.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np
from histories.case import logit_of_mean
from histories.truth import Floats
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from headrace.evals.statistics.contrast import Panel, step

LEAST = 0.935
RESAMPLES = 1000


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    cases: int
    rate: float = 0.7
    epochs: int = 1
    clusters: int = 0  # 0: each case its own
    uneven: bool = False  # the k-th cluster has 1/k as many cases as the first

    @property
    def name(self) -> str:
        repeated = f" x {self.epochs}" if self.epochs > 1 else ""
        grouped = f", {self.clusters} clusters" if self.clusters else ""
        return f"n={self.cases}{repeated}, p={self.rate:g}{grouped}{' 1/k' * self.uneven}"

    def draw(self, rng: np.random.Generator) -> tuple[Floats, NDArray[np.intp]]:
        """(cases, 2) means over epochs, and the cluster of each case.

        Cases of one cluster share some of their ease and of what each release does to them.
        """
        codes = self._codes(rng)
        groups = int(codes.max()) + 1
        ease, moved = rng.normal(0, 1.5, self.cases), rng.normal(0, 0.35, (self.cases, 2))
        spread = 1.5**2 + 0.35**2
        if self.clusters:
            ease += rng.normal(0, 0.8, groups)[codes]
            moved += rng.normal(0, 0.35, (groups, 2))[codes]
            spread += 0.8**2 + 0.35**2
        logit = logit_of_mean(self.rate, float(np.sqrt(spread))) + ease[:, None] + moved
        return rng.binomial(self.epochs, 1 / (1 + np.exp(-logit))) / self.epochs, codes

    def _codes(self, rng: np.random.Generator) -> NDArray[np.intp]:
        if not self.clusters:
            return np.arange(self.cases)
        size = 1 / np.arange(1, self.clusters + 1) if self.uneven else np.ones(self.clusters)
        drawn = rng.choice(self.clusters, self.cases, p=size / size.sum())
        return np.unique(drawn, return_inverse=True)[1]


CELLS = (
    Cell(cases=20),
    Cell(cases=20, rate=0.95),
    Cell(cases=100, rate=0.95),
    Cell(cases=50, epochs=4),
    Cell(cases=200, clusters=20),
    Cell(cases=200, epochs=2, clusters=10),
    Cell(cases=400, epochs=2, clusters=40, uneven=True),
)


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    middle: float
    half: float

    @property
    def covers(self) -> bool:
        return abs(self.middle) <= self.half


Method = Callable[[Floats, NDArray[np.intp], Cell, np.random.Generator], Interval]


def headrace(
    means: Floats, codes: NDArray[np.intp], cell: Cell, rng: np.random.Generator
) -> Interval:
    panel = Panel.of(means, codes, epochs=cell.epochs, binary=True)
    moved = panel.contrast(step(2, 1, 1))
    return Interval(middle=moved.estimate, half=panel.quantile(0.025) * moved.error)


def paired_t(
    means: Floats, codes: NDArray[np.intp], cell: Cell, rng: np.random.Generator
) -> Interval:
    moved = means[:, 1] - means[:, 0]
    reach = float(stats.t.ppf(0.975, len(moved) - 1))
    return Interval(middle=moved.mean(), half=reach * float(stats.sem(moved)))


def unpaired_z(
    means: Floats, codes: NDArray[np.intp], cell: Cell, rng: np.random.Generator
) -> Interval:
    error = np.sqrt((means.var(axis=0, ddof=1) / len(means)).sum())
    return Interval(middle=float(np.diff(means.mean(axis=0))[0]), half=1.959964 * float(error))


def bootstrap(
    means: Floats, codes: NDArray[np.intp], cell: Cell, rng: np.random.Generator
) -> Interval:
    """Percentiles over resampled cases."""
    moved = means[:, 1] - means[:, 0]
    drawn = moved[rng.integers(0, len(moved), (RESAMPLES, len(moved)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(middle=float(low + high) / 2, half=float(high - low) / 2)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "paired t": paired_t,
        "unpaired z": unpaired_z,
        "bootstrap": bootstrap,
        "Headrace": headrace,
    }
)


def mcnemar_keeps(means: Floats) -> bool:
    """Whether the exact test finds no difference at 5 %."""
    moved = means[:, 1] - means[:, 0]
    better, worse = int((moved > 0).sum()), int((moved < 0).sum())
    return better + worse == 0 or bool(stats.binomtest(better, better + worse).pvalue >= 0.05)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All draws of one cell."""

    covered: dict[str, float]
    width: dict[str, float]  # mean, in units of that of a paired t
    widthless: float  # share of paired t intervals without any
    least: float  # width of Headrace's narrowest

    @property
    def holds(self) -> bool:
        return self.covered["Headrace"] >= LEAST and self.least > 0


def measure(cell: Cell, draws: int, rng: np.random.Generator) -> Found:
    drawn = [cell.draw(rng) for _ in range(draws)]
    found = {
        name: [method(means, codes, cell, rng) for means, codes in drawn]
        for name, method in METHODS.items()
    }
    half = {name: np.array([i.half for i in intervals]) for name, intervals in found.items()}
    covered = {
        name: float(np.mean([i.covers for i in intervals])) for name, intervals in found.items()
    }
    if cell.epochs == 1:
        covered["McNemar"] = float(np.mean([mcnemar_keeps(means) for means, _ in drawn]))
    return Found(
        covered=covered,
        width={name: float(h.mean() / half["paired t"].mean()) for name, h in half.items()},
        widthless=float((half["paired t"] == 0).mean()),
        least=2 * float(half["Headrace"].min()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    found = {cell.name: measure(cell, given.draws, rng) for cell in CELLS}
    names = ("paired t", "unpaired z", "bootstrap", "McNemar", "Headrace")
    shown = Table(title=f"Coverage of 95 % intervals, {given.draws} draws")
    for column in ("cell", *names, "paired t without width", "width of ours", "narrowest"):
        shown.add_column(column, justify="left" if column == "cell" else "right")
    for name, of in found.items():
        shares = [f"{of.covered[n]:.3f}" if n in of.covered else "-" for n in names]
        width = f"{of.width['Headrace']:.2f} x"
        shown.add_row(name, *shares, f"{of.widthless:.0%}", width, f"{of.least:.3f}")
    Console(width=160).print(shown)
    sys.exit(not all(of.holds for of in found.values()))


if __name__ == "__main__":
    main()
