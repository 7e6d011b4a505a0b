"""What it would take to decide: more cases, more epochs or more releases, each on its own."""

import math

import msgspec
from scipy.special import ndtri

from headrace.evals.statistics.contrast import Panel, neighbours
from headrace.evals.statistics.parameters import Parameters


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """Totals, not additions, save `releases`; None: this lever cannot help. Orders of size."""

    cases: int | None = None  # shared cases in all
    epochs: int | None = None  # per case and release in all
    releases: int | None = None  # further ones
    jitter: bool = False  # releases wobble more than sampling explains: measure one twice first


class Plan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What planning starts from; it assumes a true gain of zero, and 80 % power per look."""

    panel: Panel  # of two releases or more
    within: float | None  # variance between epochs; None: nothing was repeated
    delta: float
    window: int
    levels: Parameters

    def needs(self) -> Needs:
        """Every lever by itself."""
        jitter = self.panel.tau > 1.5 * self.levels.tau_floor * self.delta
        room = self._room(max(self.panel.releases, self.window + 1))
        if room <= 0:
            return Needs(jitter=jitter)
        more = max(1.0, self._unit() / room)
        return Needs(
            cases=max(self.levels.min_n, math.ceil(self.panel.cases * more)),
            epochs=self._epochs(room),
            releases=self._releases(),
            jitter=jitter,
        )

    def _unit(self) -> float:
        """Sampling variance of one release mean, as differences of neighbours show it."""
        pairs = neighbours(self.panel.releases)
        return sum(map(self.panel.sampling_variance, pairs)) / len(pairs) / 2

    def _room(self, length: int) -> float:
        """The largest sampling variance of a mean that a window of this length can bear."""
        return min(self._step_room(length), self._slope_room(length))

    def _step_room(self, length: int) -> float:
        return self._effect(self.levels.alpha_g) / (1 + 1 / (length - 1)) - self._wobble()

    def _slope_room(self, length: int) -> float:
        gain = length * (length**2 - 1) / (12 * self.window**2)
        return self._effect(self.levels.alpha_p) * gain - self._wobble()

    def _effect(self, level: float) -> float:
        quantiles = float(ndtri(1 - level)) + float(ndtri(self.levels.power))
        return (self.delta / quantiles) ** 2

    def _wobble(self) -> float:
        floor = self.levels.tau_floor * self.delta
        return float(floor if self.levels.tau is None else self.levels.tau) ** 2

    def _epochs(self, room: float) -> int | None:
        if self.within is None:
            return None
        total = self._unit() * self.panel.cases
        fixed = max(0.0, total - self.within / self.panel.epochs)  # repeating cannot remove it
        left = room * self.panel.cases - fixed
        return max(1, math.ceil(self.within / left)) if left > 0 else None

    def _releases(self) -> int | None:
        """No window is longer than `m_max`, so no promise is."""
        unit, seen = self._unit(), self.panel.releases
        longest = max(self.levels.m_max, self.window + 1)
        lengths = range(max(seen, self.window) + 1, longest + 1)
        enough = next((length for length in lengths if unit <= self._slope_room(length)), None)
        if enough is None or unit > self._step_room(enough):
            return None
        return enough - seen
