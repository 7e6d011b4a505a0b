"""The one primitive of all verdicts: a linear contrast of release means, clusters respected.

Trend, step, regression and single levels are the same function with other weights; pairing by
case, epochs and clusters fall out of the covariance of the means.
"""

import math
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """A weighted sum of release means with its standard error."""

    estimate: float
    error: float

    @property
    def ratio(self) -> float:
        """Estimate in units of its error: a t statistic."""
        if self.error > 0:
            return self.estimate / self.error
        return math.copysign(math.inf, self.estimate) if self.estimate else 0.0


class Panel(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Release means over the same cases and the covariance of these means.

    Cameron, Miller 2015 for the covariance; Bonett, Price 2012 for the two pseudo-cases; Bell,
    McCaffrey 2002 for degrees of freedom.
    """

    means: Floats  # (releases,), each in [0, 1]
    covariance: Floats  # (releases, releases)
    cases: int
    clusters: int
    epochs: float  # median attempts per case and release
    binary: bool
    tau: float = 0.0  # standard deviation of a release's mean when nothing was changed
    freedom: float | None = None  # degrees of freedom of the covariance; None: clusters - 1

    @classmethod
    def of(cls, values: Floats, clusters: Codes, *, epochs: float, binary: bool) -> Self:
        """From mean scores (cases x releases, none absent) and a cluster code per case."""
        cases, groups = len(values), int(np.unique(clusters).size)
        means = values.mean(axis=0)
        _, codes = np.unique(clusters, return_inverse=True)
        sums = np.zeros((groups, values.shape[1]))
        np.add.at(sums, codes, values - means)
        shrink = groups / (groups - 1) if groups > 1 else math.nan
        return cls(
            means=means,
            covariance=shrink * (sums.T @ sums) / cases**2,
            cases=cases,
            clusters=groups,
            epochs=max(epochs, 1.0),
            binary=binary,
            freedom=_degrees(np.bincount(codes)),
        )

    @property
    def releases(self) -> int:
        return len(self.means)

    def contrast(self, weights: Floats) -> Contrast:
        """The contrast with these weights, one per release."""
        wobble = self.tau**2 * float(weights @ weights)
        variance = self.sampling_variance(weights) + wobble
        return Contrast(estimate=float(weights @ self.means), error=math.sqrt(variance))

    def sampling_variance(self, weights: Floats) -> float:
        """Variance that comes from having so many cases and no more.

        Binary scores get two pseudo-cases that flip in opposite directions: without them 18 % of
        intervals at 20 cases have zero width, which an equivalence test reads as certainty.
        """
        variance = max(0.0, float(weights @ self.covariance @ weights))
        if not self.binary:
            return variance
        more = self.cases + 2
        reach = float(np.abs(np.cumsum(weights[::-1])).max())
        return variance * (self.cases / more) ** 2 + 2 * reach**2 / (self.epochs * more**2)

    def quantile(self, level: float) -> float:
        """Upper quantile of Student's t."""
        return float(stdtrit(self._freedom, 1 - level))

    def tail(self, ratio: float) -> float:
        """The chance of a t statistic above this one: the level of which it is the quantile."""
        return float(stdtr(self._freedom, -ratio))

    @property
    def _freedom(self) -> float:
        return self.clusters - 1 if self.freedom is None else self.freedom


def _degrees(sizes: Codes) -> float:
    """Clusters - 1, as textbooks have it, but less where a few clusters hold most of the cases.

    Then twice Satterthwaite's number for clusters whose cases move as one: they seldom do quite.
    With 40 customers, the k-th of size 1/k, clusters - 1 would cover 89 % instead of 95.
    """
    most = len(sizes) - 1.0
    if most < 2:
        return most
    share = sizes / sizes.sum()
    spread = share**2 * (1 - 2 * share + share @ share)  # of a cluster's sum about the mean
    return min(most, max(1.0, 2 * (float(spread.sum() ** 2 / (spread @ spread)) - 1)))


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A mean with a two-sided 95 % interval, all within [0, 1]."""

    mean: float
    low: float
    high: float


def level(values: Floats, clusters: Codes, *, epochs: float = 1.0) -> Level:
    """Mean of case means with its cluster-robust interval, which never has zero width.

    Pseudo-cases enter whatever the scale; one cluster tells nothing, so it gives [0, 1].
    """
    panel = Panel.of(values.reshape(-1, 1), clusters, epochs=epochs, binary=True)
    mean = float(panel.means[0])
    if panel.clusters < 2:
        return Level(mean=mean, low=0.0, high=1.0)
    half = panel.quantile(0.025) * panel.contrast(np.ones(1)).error
    return Level(mean=mean, low=max(0.0, mean - half), high=min(1.0, mean + half))


def slope(releases: int, last: int, window: int) -> Floats:
    """Weights of the least-squares gain per `window` releases over the last `last` of them."""
    time = np.arange(last) - (last - 1) / 2
    weights = np.zeros(releases)
    weights[releases - last :] = window * time / float(time @ time)
    return weights


def step(releases: int, after: int, before: int) -> Floats:
    """Weights of the mean of the last `after` releases minus that of the `before` ahead of it."""
    weights = np.zeros(releases)
    weights[releases - after :] = 1 / after
    weights[releases - after - before : releases - after] = -1 / before
    return weights


def neighbours(releases: int) -> list[Floats]:
    """Weights of every difference between a release and the one before it."""
    newest = step(releases, 1, 1)
    return [np.roll(newest, -back) for back in range(releases - 1)]
