"""How often a slice is said to move that stands still: `python benchmarks/slices.py`.

Eight slices over twelve releases, binary scores, four epochs: two gain three delta per window, one
falls by three delta at the newest release, five stand still. Beside the product's rule stands the
naive one, every slice by itself at p < .05, on the same histories.

false: histories in which a slice that stands still is said to move. missed: those in which one that
moves is called plateaued. The others are shares of the slices of that kind that are found.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from headrace.evals.slices import SliceTrend, judge_slices

DELTA, WINDOW, RELEASES, EPOCHS = 0.03, 3, 12, 4
RISING, FALLING, STILL = ("r1", "r2"), ("f1",), ("s1", "s2", "s3", "s4", "s5")
SIZES = (50, 100, 250)  # cases per slice
ITEM, CASE = 1.5, 0.35  # logit spreads: of cases, and of one case from release to release
FIGURES = ("false", "naive false", "missed", "rising", "falling", "still")
Means = NDArray[np.float64]


def judged(histories: int, cases: int, seed: int) -> Iterator[dict[str, SliceTrend]]:
    """The slices of each history at its newest release, so many cases in each."""
    for number in range(histories):
        rng = np.random.default_rng([seed, cases, number])
        scores = pl.concat(_scores(rng, name, cases) for name in (*RISING, *FALLING, *STILL))
        found = judge_slices(scores, delta=DELTA, window=WINDOW, total="inconclusive")
        yield {part.name: part for part in found}


def figures(parts: dict[str, SliceTrend]) -> tuple[float, ...]:
    """Of one history, in the order of `FIGURES`."""
    states = {name: part.state for name, part in parts.items()}
    naive = {name for name, part in parts.items() if part.p is not None and part.p < 0.05}
    moving = {name for name, state in states.items() if state in ("improving", "regressed")}
    return (
        bool(moving & set(STILL)),
        bool(naive & set(STILL)),
        any(states[name] == "plateaued" for name in (*RISING, *FALLING)),
        *(
            sum(states[name] == state for name in names) / len(names)
            for names, state in (
                (RISING, "improving"),
                (FALLING, "regressed"),
                (STILL, "plateaued"),
            )
        ),
    )


def _scores(rng: np.random.Generator, name: str, cases: int) -> pl.DataFrame:
    shift = rng.normal(0, ITEM, (cases, 1)) + rng.normal(0, CASE, (cases, RELEASES))
    chance = expit(_logits(_means(name)) + shift)
    right = rng.random((cases, RELEASES, EPOCHS)) < chance[:, :, None]
    case, release, epoch = (axis.ravel() for axis in np.indices(right.shape))
    rows = {"release": release, "case": case, "epoch": epoch, "value": right.ravel()}
    named = pl.format("{}-{}", pl.lit(name), "case").alias("case_id")
    return pl.DataFrame(rows).select(
        "release", named, pl.lit(name).alias("slice"), "epoch", "value"
    )


def _means(name: str) -> Means:
    time = np.arange(RELEASES)
    if name in RISING:
        return 0.45 + 3 * DELTA / WINDOW * time
    return np.where((time == RELEASES - 1) & (name in FALLING), 0.7 - 3 * DELTA, 0.7)


def _logits(means: Means) -> Means:
    """So that the mean over cases is right, to half a point."""
    logits: Means = logit(means) * np.sqrt(1 + (ITEM**2 + CASE**2) * np.pi / 8)
    return logits


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7000)
    asked = parser.parse_args()
    print("cases a slice  " + "  ".join(f"{name:>11}" for name in FIGURES))
    for cases in SIZES:
        rows = [figures(parts) for parts in judged(asked.histories, cases, asked.seed)]
        print(f"{cases:13}  " + "  ".join(f"{share:11.3f}" for share in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
