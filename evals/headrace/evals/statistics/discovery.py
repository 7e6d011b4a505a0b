"""Many tests at once: p-values adjusted so that few of the discoveries are false."""

from collections.abc import Sequence

import numpy as np


def adjusted(chances: Sequence[float]) -> list[float]:
    """Each p-value as the smallest false discovery rate at which it counts.

    Benjamini, Hochberg 1995; holds for independent and for positively dependent tests.
    """
    count = len(chances)
    order = np.argsort(chances)[::-1]
    ranked = np.asarray(chances, dtype=np.float64)[order] * count / np.arange(count, 0, -1)
    result = np.empty(count)
    result[order] = np.minimum(1.0, np.minimum.accumulate(ranked))
    return [float(chance) for chance in result]
