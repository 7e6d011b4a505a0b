"""A mean anchored in people's labels: few labels, many judged attempts, one honest interval.

Prediction-powered inference: Angelopoulos, Bates, Fannjiang, Jordan, Zrnic, Science 2023, with the
weight of the judge tuned as by Angelopoulos, Duchi, Zrnic 2023 (PPI++).
"""

import math

import msgspec
import numpy as np
from scipy.special import stdtrit

from headrace.evals.statistics.contrast import Codes, Floats


class Anchored(msgspec.Struct, frozen=True, kw_only=True):
    """A mean with a two-sided 95 % interval, all within [0, 1]."""

    mean: float
    low: float
    high: float
    judge: float  # the mean that the judge alone gives
    weight: float  # how far it is believed, from 0 (people alone) to 1
    labels: int
    judged: int  # attempts without a label


def anchor(human: Floats, judge: Floats, unlabelled: Floats, clusters: Codes) -> Anchored:
    """The mean that people would give to all attempts.

    `human` and `judge` are values in [0, 1] of the same attempts, at least one, `unlabelled` those
    of the judge on the others; `clusters` a code for each labelled attempt, then for each other
    one. Holds where the labelled are a fair draw from all, however bad the judge. Two pseudo-labels
    keep the interval from zero width; labels of one cluster give [0, 1].
    """
    labels, others = len(human), len(unlabelled)
    weight = _weight(human, judge, unlabelled)
    shift = float(unlabelled.mean() - judge.mean()) if others else 0.0
    mean = float(human.mean()) + weight * shift
    residual = human - weight * judge
    parts = [(residual - residual.mean()) / labels]
    if others:
        parts.append(weight * (unlabelled - unlabelled.mean()) / others)
    half = _half(np.concatenate(parts), clusters, labels)
    return Anchored(
        mean=min(1.0, max(0.0, mean)),
        low=min(1.0, max(0.0, mean - half)),
        high=min(1.0, max(0.0, mean + half)),
        judge=float(np.concatenate([judge, unlabelled]).mean()),
        weight=weight,
        labels=labels,
        judged=others,
    )


def _weight(human: Floats, judge: Floats, unlabelled: Floats) -> float:
    """What makes the interval narrowest: Cov(human, judge) / ((1 + n/N) Var(judge))."""
    if len(human) < 2 or not len(unlabelled):
        return 0.0
    spread = float(np.var(np.concatenate([judge, unlabelled]), ddof=1))
    if spread == 0:
        return 0.0
    together = float(np.cov(human, judge)[0, 1])
    best = together / ((1 + len(human) / len(unlabelled)) * spread)
    return min(1.0, max(0.0, best))


def _half(parts: Floats, clusters: Codes, labels: int) -> float:
    """Half the interval: clusters may hold labelled and other attempts alike."""
    _, codes = np.unique(clusters, return_inverse=True)
    groups = int(codes.max()) + 1
    anchors = len(np.unique(codes[:labels]))
    if anchors < 2:
        return math.inf
    sums = np.bincount(codes, parts)
    more = labels + 2
    variance = float(sums @ sums) * groups / (groups - 1) * (labels / more) ** 2 + 2 / more**2
    return float(stdtrit(anchors - 1, 0.975)) * math.sqrt(variance)
