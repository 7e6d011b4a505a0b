"""How much of a true gain comes through a judge: Youden's J against human labels."""

import math
from collections.abc import Iterable, Mapping

import msgspec
from scipy.special import ndtri

from headrace.evals.parameters import UnfitParameters

Labels = Mapping[str, Iterable[float]]  # {"human": 0/1 each, "judge": 0/1 each}, paired


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A judge measured on cases that humans labelled too."""

    sensitivity: float
    specificity: float
    youden: float  # lower bound of sensitivity + specificity - 1, at least 0.05


def calibrate(labels: Labels, *, confidence: float) -> Calibration:
    """From paired labels; a gain D shows as J x D through the judge.

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
    spread = math.sqrt(_variance(se, len(good)) + _variance(sp, len(bad)))
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
