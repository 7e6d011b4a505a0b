"""How much of a true gain comes through a judge: Youden's J against human labels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from scipy.special import ndtri

from headrace.evals.statistics.parameters import UnfitParameters

Labels = Mapping[str, Iterable[Any]]  # paired: "human" and "judge", 0/1 each; "cluster", if known


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A judge measured on cases that humans labelled too."""

    sensitivity: float
    specificity: float
    youden: float  # lower bound of sensitivity + specificity - 1, at least 0.05


def calibrate(labels: Labels, *, confidence: float) -> Calibration:
    """From paired labels; a gain D shows as J x D through the judge.

    Labels of one cluster (a case tried twice, a customer) say less than as many strangers.
    Raises UnfitParameters for labels other than 0/1, unpaired ones, or one human class only.
    """
    human, judge = _labels(labels, "human"), _labels(labels, "judge")
    if len(human) != len(judge):
        raise UnfitParameters(
            f"calibration pairs {len(human)} human with {len(judge)} judge labels: "
            "give both for every case"
        )
    good = [j for h, j in zip(human, judge, strict=True) if h == 1]
    bad = [1 - j for h, j in zip(human, judge, strict=True) if h == 0]
    if not good or not bad:
        raise UnfitParameters(
            "calibration labels in 'human' are all of one class: label cases of both kinds"
        )
    se, sp = sum(good) / len(good), sum(bad) / len(bad)
    variance = _variance(se, len(good)) + _variance(sp, len(bad))
    if "cluster" in labels:
        variance = max(variance, _clustered(human, judge, list(labels["cluster"])))
    spread = math.sqrt(variance)
    bound = se + sp - 1 - float(ndtri(confidence)) * spread
    return Calibration(sensitivity=se, specificity=sp, youden=max(0.05, bound))


def _labels(labels: Labels, who: str) -> list[int]:
    if who not in labels:
        raise UnfitParameters(
            f"calibration has no {who!r} labels: give a mapping with 'human' and 'judge'"
        )
    given = list(labels[who])
    if any(label not in (0, 1) for label in given):
        raise UnfitParameters(f"calibration labels in {who!r} must be 0 or 1")
    return [int(label) for label in given]


def _variance(share: float, count: int) -> float:
    return (share * (1 - share) + 0.25 / count) / count


def _clustered(human: Sequence[int], judge: Sequence[int], clusters: Sequence[Any]) -> float:
    """Variance of sensitivity + specificity, cluster-robust; nothing is known from one cluster."""
    if len(clusters) != len(human):
        raise UnfitParameters(
            f"calibration names {len(clusters)} clusters for {len(human)} labels: one for each"
        )
    truth, right = np.array(human, bool), np.array(human) == np.array(judge)
    parts = np.zeros(len(truth))
    for kind in (truth, ~truth):
        parts[kind] = (right[kind] - right[kind].mean()) / kind.sum()
    _, codes = np.unique(np.array(clusters, dtype=str), return_inverse=True)
    sums = np.bincount(codes, parts)
    return math.inf if len(sums) < 2 else float(sums @ sums) * len(sums) / (len(sums) - 1)
