"""Scores far off what a judge said of the same episodes, by medians: an outlier moves no mean."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = 10  # of a judge's values; more are grouped into so many


def residuals(scores: Floats, judged: Floats) -> Floats:
    """How far each score lies from the median of those that the judge saw alike; any two scales."""
    level = _levels(judged)
    medians = np.array([np.median(scores[level == one]) for one in range(level.max() + 1)])
    left: Floats = scores - medians[level]
    return left


def outliers(scores: Floats, judged: Floats, *, times: float) -> NDArray[np.bool_]:
    """Which residuals are more than so many median absolute deviations off.

    None where the deviation is 0, as with scores that are yes or no: that is no measure then.
    """
    left = residuals(scores, judged)
    off = np.abs(left - np.median(left))
    deviation = float(np.median(off))
    found: NDArray[np.bool_] = off > times * deviation
    return found if deviation > 0 else np.zeros(len(scores), dtype=np.bool_)


def _levels(judged: Floats) -> NDArray[np.int64]:
    """Equal values are one level; of many values a tenth of the episodes is one."""
    values, level = np.unique(judged, return_inverse=True)
    if len(values) <= LEVELS:
        return np.asarray(level, dtype=np.int64)
    bounds = np.unique(np.quantile(judged, np.linspace(0, 1, LEVELS + 1)[1:-1]))
    _, dense = np.unique(np.searchsorted(bounds, judged, side="right"), return_inverse=True)
    return np.asarray(dense, dtype=np.int64)
