"""Two releases over the cases that both have scores of, and the tests of their difference."""

import math
from typing import Self

import msgspec
import numpy as np
from scipy.special import bdtr, ndtri

from headrace.evals.statistics.contrast import Codes, Contrast, Floats, Panel
from headrace.evals.statistics.history import Flags
from headrace.evals.statistics.needs import Needs
from headrace.evals.statistics.window import Window

_B_AGAINST_A = np.array([-1.0, 1.0])
_ALIKE = 1e-12  # variance that rounding alone may leave
_PLAIN = float(ndtri(0.975))  # of the interval that a reader works out from the flips
# no difference is shown to be smaller than delta four times in five where that is so many errors
_WIDE = _PLAIN + float(ndtri(0.90))


class Pair(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Mean scores of the same cases in A and in B."""

    means: Floats  # (cases, 2), over the present epochs
    clusters: Codes  # (cases,)
    epochs: float  # median attempts per case and release
    once: bool  # no case was attempted twice in one release
    binary: bool
    within: float | None  # variance between epochs; None: nothing was repeated
    tau: float = 0.0  # repeatability of a release beyond sampling

    @classmethod
    def of(cls, window: Window, *, tau: float = 0.0) -> Self:
        """From a window of two releases that share at least one case."""
        counts = (~np.isnan(window.values)).sum(axis=2)
        return cls(
            means=np.nansum(window.values, axis=2) / counts,
            clusters=window.codes,
            epochs=float(np.median(counts)),
            once=bool((counts == 1).all()),
            binary=window.history.binary,
            within=window.within,
            tau=tau,
        )

    def part(self, cases: Flags) -> "Pair":
        """Of some of the cases."""
        return msgspec.structs.replace(self, means=self.means[cases], clusters=self.clusters[cases])

    @property
    def cases(self) -> int:
        return len(self.means)

    @property
    def groups(self) -> int:
        return int(np.unique(self.clusters).size)

    @property
    def panel(self) -> Panel:
        """With two pseudo-cases where scores are binary, or where all moved alike: no interval
        has zero width.
        """
        made = Panel.of(self.means, self.clusters, epochs=self.epochs, binary=self.binary)
        if made.sampling_variance(_B_AGAINST_A) < _ALIKE:
            made = msgspec.structs.replace(made, binary=True)
        return msgspec.structs.replace(made, tau=self.tau)

    @property
    def change(self) -> Floats:
        """(cases,) B - A."""
        change: Floats = self.means[:, 1] - self.means[:, 0]
        return change

    @property
    def is_exact(self) -> bool:
        """Whether McNemar's test holds: one attempt each, right or wrong, cases independent."""
        return self.binary and self.once and self.groups == self.cases

    @property
    def mcnemar(self) -> float | None:
        """Exact two-sided p of as many cases fixed as broken; None unless binary and once.

        McNemar 1947; the binomial form. Holds for clusters of one case each.
        """
        if not (self.binary and self.once):
            return None
        fixed, broken = int((self.change > 0).sum()), int((self.change < 0).sum())
        return min(1.0, 2 * float(bdtr(min(fixed, broken), fixed + broken, 0.5)))

    @property
    def difference(self) -> Contrast:
        """B - A with a cluster-robust error."""
        return self.panel.contrast(_B_AGAINST_A)

    @property
    def student(self) -> float:
        """Two-sided p of no difference from the cluster-robust t."""
        return min(1.0, 2 * self.panel.tail(abs(self.difference.ratio)))

    @property
    def chance(self) -> float:
        """Two-sided p of no difference: exact where that holds, else from the t."""
        exact = self.mcnemar if self.is_exact else None
        return self.student if exact is None else exact

    def half_width(self, level: float) -> float:
        """Of an interval that leaves out `level` at each end."""
        return self.panel.quantile(level) * self.difference.error

    def equivalence(self, delta: float) -> float:
        """p of two one-sided tests that the difference lies within delta (Schuirmann 1987)."""
        found = self.difference
        return self.panel.tail((delta - abs(found.estimate)) / found.error)

    def is_within(self, delta: float, *, level: float) -> bool:
        """Whether the difference is smaller than delta: by two one-sided tests at this level, and
        by the plain 95 % interval, normal and without pseudo-cases, as most people read a pair.
        """
        plain = msgspec.structs.replace(self.panel, binary=False).contrast(_B_AGAINST_A)
        inside = abs(plain.estimate) + _PLAIN * plain.error < delta
        return inside and self.equivalence(delta) < level

    def needs(self, delta: float) -> Needs:
        """What would tell a difference of delta from none in four of five repetitions."""
        room = (delta / _WIDE) ** 2 - 2 * self.tau**2
        if room <= 0:
            return Needs(jitter=True)
        total = self.panel.sampling_variance(_B_AGAINST_A) * self.cases
        return Needs(
            cases=math.ceil(max(self.cases, total / room)), epochs=self._epochs(total, room)
        )

    def _epochs(self, total: float, room: float) -> int | None:
        if self.within is None:
            return None
        fixed = max(0.0, total - 2 * self.within / self.epochs)  # repeating cannot remove it
        left = room * self.cases - fixed
        return max(1, math.ceil(2 * self.within / left)) if left > 0 else None
