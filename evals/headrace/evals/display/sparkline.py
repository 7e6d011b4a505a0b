"""A row of means as one short text: where it rises and where nothing was measured."""

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
ABSENT = "·"


def sparkline(means: Sequence[float | None]) -> str:
    """One sign per mean between the lowest and the highest; `·` where there is none.

    Means that are all equal stand in the middle: their height tells nothing.
    """
    present = [mean for mean in means if mean is not None]
    low, high = min(present, default=0.0), max(present, default=0.0)
    return "".join(ABSENT if mean is None else _sign(mean, low, high) for mean in means)


def _sign(mean: float, low: float, high: float) -> str:
    if high <= low:
        return LEVELS[len(LEVELS) // 2 - 1]
    return LEVELS[round((mean - low) / (high - low) * (len(LEVELS) - 1))]
