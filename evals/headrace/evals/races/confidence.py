"""Intervals that hold at every look at once, so that a race may stop whenever it likes.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, Annals of Statistics
2024, with a normal mixture tuned to be narrowest at `TUNED` units.
"""

import math

import msgspec
import numpy as np

from headrace.evals.statistics.contrast import Codes, Floats, Panel

TUNED = 100  # units at which the sequence is narrowest


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A mean difference in [-1, 1] with both bounds, and what it was measured on."""

    estimate: float
    low: float
    high: float
    cases: int
    clusters: int


def sequence(differences: Floats, clusters: Codes, *, level: float) -> Interval:
    """Mean of paired differences, with bounds that each miss with probability `level`, ever.

    `differences` in [-1, 1], none absent, in the random order in which clusters were drawn. A
    cluster counts as one unit. The variance is floored at that of one flip in units + 2 cases:
    differences that are all equal prove nothing. Fewer than two clusters give [-1, 1].
    """
    cases = len(differences)
    _, codes = np.unique(clusters, return_inverse=True)
    units = int(codes.max(initial=-1)) + 1
    estimate = float(differences.mean()) if cases else math.nan
    half = math.inf
    if units > 1:
        sums = np.bincount(codes, differences - estimate) * units / cases
        half = half_width(units, max(float(sums @ sums) / (units - 1), 1 / (units + 2)), level)
    return Interval(
        estimate=estimate,
        low=max(-1.0, estimate - half),
        high=min(1.0, estimate + half),
        cases=cases,
        clusters=units,
    )


def half_width(units: int, variance: float, level: float) -> float:
    """From the mean of `units` independent values to either bound, each at `level`."""
    tail = -2 * math.log(level)
    rate = (tail + math.log(1 + tail)) / TUNED
    grown = units * rate + 1
    spread = 2 * grown / (units**2 * rate) * math.log(math.sqrt(grown) / level)
    return math.sqrt(variance * spread)


def student(differences: Floats, clusters: Codes, *, level: float) -> Interval:
    """Mean of paired differences, with bounds that each miss with probability `level`, once.

    Cluster-robust, with the two pseudo-cases of paired proportions whatever the scale, so that it
    never has zero width. For one test on cases fixed beforehand. One cluster gives [-1, 1].
    """
    cases = len(differences)
    panel = Panel.of(differences.reshape(-1, 1), clusters, epochs=1.0, binary=True)
    estimate, half = float(panel.means[0]), math.inf
    if panel.clusters > 1:
        half = panel.quantile(level) * panel.contrast(np.ones(1)).error
    return Interval(
        estimate=estimate,
        low=max(-1.0, estimate - half),
        high=min(1.0, estimate + half),
        cases=cases,
        clusters=panel.clusters,
    )
