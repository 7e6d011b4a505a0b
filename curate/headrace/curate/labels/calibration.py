"""Whether probabilities mean what they say: of those at .8, eight in ten should be successes."""

import msgspec
import numpy as np
from numpy.typing import ArrayLike

BINS = 10


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """The probabilities of one tenth of [0, 1]; empty ones are left out."""

    weight: float  # share of all
    said: float  # mean probability
    seen: float  # share of successes


def bins(
    success: ArrayLike, truth: ArrayLike, probability: ArrayLike | None = None
) -> tuple[Bin, ...]:
    """Probabilities (0..1) against truth (0/1), in ten bins of equal width.

    `probability` is the chance with which each episode was drawn for audit: each then weighs its
    inverse, so that a sample that is not even speaks for all. Raises ValueError for unequal
    lengths and for a chance outside (0, 1].
    """
    said, seen = np.asarray(success, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    drawn = np.ones(len(said)) if probability is None else np.asarray(probability, np.float64)
    if not len(said) == len(seen) == len(drawn):
        raise ValueError(f"{len(said)} probabilities, {len(seen)} truths, {len(drawn)} chances")
    if ((drawn <= 0) | (drawn > 1)).any():
        raise ValueError("a chance of being drawn lies above 0 and is at most 1")
    weight = 1 / drawn
    place = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    total, said_sum, seen_sum = (
        np.bincount(place, values, minlength=BINS)
        for values in (weight, weight * said, weight * seen)
    )
    return tuple(
        Bin(
            weight=float(total[i] / total.sum()),
            said=float(said_sum[i] / total[i]),
            seen=float(seen_sum[i] / total[i]),
        )
        for i in np.flatnonzero(total)
    )


def ece(success: ArrayLike, truth: ArrayLike, probability: ArrayLike | None = None) -> float | None:
    """Expected calibration error: the mean gap of said and seen over bins; None without episodes.

    Naeini, Cooper, Hauskrecht, AAAI 2015.
    """
    found = bins(success, truth, probability)
    return sum(part.weight * abs(part.said - part.seen) for part in found) if found else None
