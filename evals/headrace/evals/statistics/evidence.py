"""The tests of the plateau verdict on one comparable window."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from headrace.evals.statistics.contrast import Contrast, Floats, Panel, neighbours, slope, step
from headrace.evals.statistics.parameters import Parameters


class Evidence(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Release means with their errors, and the levels this look may spend."""

    panel: Panel
    window: int  # releases over which delta is meant
    delta: float  # as seen through the judge
    share: float  # of every level
    levels: Parameters

    @property
    def releases(self) -> int:
        return self.panel.releases

    @property
    def lengths(self) -> range:
        """Window lengths on which a plateau may be shown; empty when there are too few releases."""
        return range(self.window + 1, self.releases + 1)

    def quantile(self, level: float) -> float:
        return self.panel.quantile(level * self.share)

    def best(self) -> Contrast:
        """The strongest sign of improvement; at least two releases."""
        return max(map(self.panel.contrast, self._rises()), key=lambda rise: rise.ratio)

    def worst(self) -> Contrast:
        """The strongest sign of a regression; at least two releases."""
        return min(map(self.panel.contrast, self._falls()), key=lambda fall: fall.ratio)

    def slope(self, last: int) -> Contrast:
        """The gain per `window` releases over the last so many."""
        return self.panel.contrast(slope(self.releases, last, self.window))

    def bound(self, last: int) -> float:
        """The smallest delta for which the last so many releases count as flat."""
        return max(self._slope_bound(last), self._guard(last))

    def rises(self, level: float) -> bool:
        best = self.best()
        return best.ratio > self.quantile(level) and self._matters(best.estimate)

    def falls(self, level: float) -> bool:
        worst = self.worst()
        return -worst.ratio > self.quantile(level) and self._matters(-worst.estimate)

    @property
    def chance(self) -> float:
        """p of no movement either way, over all contrasts that were looked at (Bonferroni)."""
        strongest = max(self.best().ratio, -self.worst().ratio)
        return min(1.0, self.looked * self.panel.tail(strongest))

    @property
    def looked(self) -> int:
        """How many contrasts are looked at for a movement."""
        return sum(1 for _ in (*self._rises(), *self._falls()))

    def flat(self) -> int | None:
        """The shortest length on which the trend is flat; None where none is, or it is vetoed."""
        if self.rises(self.levels.veto) or self.falls(self.levels.veto):
            return None
        return next((last for last in self.lengths if self.bound(last) < self.delta), None)

    def _matters(self, estimate: float) -> bool:
        return estimate >= self.levels.rel_min * self.delta

    def _slope_bound(self, last: int) -> float:
        gain = self.slope(last)
        return abs(gain.estimate) + self.quantile(self.levels.alpha_p) * gain.error

    def _guard(self, last: int) -> float:
        """A long slope hardly sees a jump of the newest releases: these are tested by steps."""
        up, down = self.quantile(self.levels.alpha_g), self.quantile(self.levels.alpha_gl)
        jumps = (
            self.panel.contrast(step(self.releases, newest, last - newest))
            for newest in range(1, self.window + 1)
        )
        return max(max(j.estimate + up * j.error, down * j.error - j.estimate) for j in jumps)

    def _rises(self) -> Iterator[Floats]:
        h, m = self.window, self.releases
        if m <= h:
            yield step(m, 1, m - 1)
            return
        yield slope(m, h + 1, h)
        yield step(m, 1, h)
        if h > 1:
            yield step(m, 2, h - 1)

    def _falls(self) -> Iterator[Floats]:
        for after, before in ((1, 1), (1, self.window), (2, max(1, self.window - 1))):
            if after + before <= self.releases:
                yield step(self.releases, after, before)


def repeatability(panel: Panel, delta: float, levels: Parameters) -> float:
    """How much a release's mean moves when measured again, beyond sampling; in units of score.

    From the spread of successive differences, robust to one step and to a trend; 1.3 keeps pure
    sampling noise from counting. Below six releases the floor stands in.
    """
    floor = levels.tau_floor * delta
    if levels.tau is not None:
        return levels.tau
    if panel.releases < 6:
        return floor
    pairs = neighbours(panel.releases)
    moves = np.array([panel.contrast(pair).estimate for pair in pairs])
    sampling = float(np.mean([panel.sampling_variance(pair) for pair in pairs]))
    spread = float(np.median(np.abs(moves - np.median(moves)))) / 0.6745
    return math.sqrt(max(floor**2, (spread**2 / 1.3 - sampling) / 2))
