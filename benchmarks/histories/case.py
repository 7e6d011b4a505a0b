"""Eval histories drawn at random whose truth is known, as one would see them release by release.

The names, the draws and their order are those of the simulator that accepts Headrace's verdict, so
that a seed gives the same history here and there.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import numpy as np
from histories.truth import PATHS, Floats, truth
from numpy.typing import NDArray

DELTA, WINDOW, RELEASES = 0.03, 3, 12
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class History(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is known after a release: one entry per attempt, NaN where it has no score."""

    rows: dict[str, NDArray[Any]]  # release, run, sample, cluster, slice, epoch, score
    scores: Floats  # (cases, releases, epochs), the same
    cluster: NDArray[np.int64]  # (cases,)
    delta: float
    window: int
    score_kind: str  # binary, continuous
    judge: dict[str, Floats] | None  # paired labels: human, judge


class Look(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    release: int
    history: History
    truth: str


class Case(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A whole history with its truth."""

    scores: Floats  # (cases, releases, epochs)
    attempted: NDArray[np.bool_]  # (cases, releases) in the suite of that release
    cluster: NDArray[np.int64]
    slices: NDArray[np.int64]
    means: Floats  # (releases,) true, without jitter
    saturated: bool
    score_kind: str
    delta: float
    window: int
    judge: dict[str, Floats] | None

    def truth(self, release: int) -> str:
        return truth(
            self.means, release, saturated=self.saturated, delta=self.delta, window=self.window
        )

    def history(self, release: int, night: int | None = None) -> History:
        """Everything known after a release, or after so many nights of an epoch each."""
        epochs = self.scores.shape[2]
        scores = self.scores[:, : release + 1].copy()
        asked = np.repeat(self.attempted[:, : release + 1, None], epochs, axis=2)
        if night is not None:
            scores[:, release, night + 1 :], asked[:, release, night + 1 :] = np.nan, False
        case, of, epoch = np.nonzero(asked)
        return History(
            rows={
                "release": of,
                "run": of * epochs + epoch,
                "sample": case,
                "cluster": self.cluster[case],
                "slice": self.slices[case],
                "epoch": epoch,
                "score": scores[case, of, epoch],
            },
            scores=scores,
            cluster=self.cluster,
            delta=self.delta,
            window=self.window,
            score_kind=self.score_kind,
            judge=self.judge,
        )

    def looks(self, *, nightly: bool = False, first: int = 2) -> Iterator[Look]:
        """From the third release on, after each, or after every night of each."""
        for release in range(first, self.scores.shape[1]):
            for night in range(self.scores.shape[2]) if nightly else (None,):
                yield Look(
                    release=release,
                    history=self.history(release, night),
                    truth=self.truth(release),
                )


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviations on the logit scale."""

    item: float = 1.5  # difficulty, between cases
    inter: float = 0.35  # fresh effect of a release on a case
    walk: float = 0.15  # effect that stays: cases flip and stay flipped
    cluster: float = 0.8
    cluster_inter: float = 0.35
    concentration: float = 6.0  # of continuous scores about their mean


def make_case(
    scenario: str,
    seed: int,
    *,
    n: int = 200,
    E: int = 2,
    R: int = RELEASES,
    kind: str = "binary",
    clusters: int = 0,
    delta: float = DELTA,
    window: int = WINDOW,
    spread: Spread | None = None,
) -> Case:
    """Draw a history of n cases x E epochs x R releases. Without clusters each case is its own."""
    size = [n, E, R, clusters, 1 if kind == "binary" else 2]
    rng = np.random.default_rng([_hashed(scenario), seed, *size])
    draw = _Draw(rng=rng, kind=kind, spread=spread or Spread(), epochs=E)
    means = np.asarray(PATHS[scenario](np.arange(R), delta, window), float)
    cluster = np.arange(n) if clusters <= 0 else rng.integers(0, clusters, n)
    slices = rng.integers(0, 4, n)
    ease, chance = draw.chances(scenario, means, cluster, clusters > 0, delta)
    scores = draw.scores(chance)
    attempted, judge = np.ones((n, R), bool), None
    if scenario.startswith("judge_noise"):
        scores, judge = draw.judged(scores, float(means.mean()))
        kind = "binary"
    if scenario.startswith("suite_change"):
        scores, attempted, cluster = draw.refreshed(scores, means, cluster)
        slices = np.concatenate([slices, rng.integers(0, 4, len(cluster) - n)])
    if scenario == "missing_mnar":
        hard = np.argsort(np.argsort(ease)) < n * 0.3
        lost = rng.random((n, R)) < np.where(hard, 0.06, 0.02)[:, None]
        scores = np.where(lost[:, :, None], np.nan, scores)
    return Case(
        scores=np.where(attempted[:, :, None], scores, np.nan),
        attempted=attempted,
        cluster=cluster,
        slices=slices,
        means=means,
        saturated=scenario == "ceiling",
        score_kind=kind,
        delta=delta,
        window=window,
        judge=judge,
    )


class _Draw(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    rng: np.random.Generator
    kind: str
    spread: Spread
    epochs: int

    def chances(
        self, scenario: str, means: Floats, cluster: NDArray[np.int64], grouped: bool, delta: float
    ) -> tuple[Floats, Floats]:
        """Ease of every case, and its chance of success in every release."""
        rng, sd, n, releases = self.rng, self.spread, len(cluster), len(means)
        groups = int(cluster.max()) + 1
        ease = rng.normal(0, sd.item, n)
        if grouped:
            ease = ease + rng.normal(0, sd.cluster, groups)[cluster]
        jittery = scenario == "noisy_plateau"
        jitter = rng.normal(0, delta / 4, releases) if jittery else np.zeros(releases)
        fixed = sd.item**2 + sd.inter**2 + (sd.cluster**2 + sd.cluster_inter**2 if grouped else 0)
        walk, chance = np.zeros(n), np.empty((n, releases))
        for r in range(releases):
            fresh = rng.normal(0, sd.inter, n)
            if grouped:
                fresh = fresh + rng.normal(0, sd.cluster_inter, groups)[cluster]
            if r:
                walk = walk + rng.normal(0, sd.walk, n)
            mean = min(max(means[r] + jitter[r], 0.01), 0.995)
            middle = logit_of_mean(mean, math.sqrt(fixed + r * sd.walk**2))
            chance[:, r] = _sigmoid(middle + ease + walk + fresh)
        return ease, chance

    def scores(self, chance: Floats) -> Floats:
        if self.kind == "binary":
            tried = self.rng.random((*chance.shape, self.epochs))
            return (tried < chance[:, :, None]).astype(float)
        good, bad = (
            np.clip(p * self.spread.concentration, 1e-3, None)[:, :, None]
            for p in (chance, 1 - chance)
        )
        return self.rng.beta(good, bad, size=(*chance.shape, self.epochs))

    def judged(self, scores: Floats, mean: float) -> tuple[Floats, dict[str, Floats]]:
        """As a judge sees them who is right in 85 % of either kind, and 200 labels of his."""

        def seen(truth: Floats) -> Floats:
            likely = np.where(truth > 0.5, 0.85, 1 - 0.85)
            return np.where(self.rng.random(truth.shape) < likely, 1.0, 0.0)

        human = (self.rng.random(200) < mean).astype(float)
        labels = {"human": human, "judge": seen(human)}
        return seen((scores > 0.5).astype(float)), labels

    def refreshed(
        self, scores: Floats, means: Floats, cluster: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
        """Half way 40 % of the cases are replaced by harder ones."""
        rng, sd, n, releases = self.rng, self.spread, len(cluster), len(means)
        old = rng.random(n) < 0.4
        new = int(old.sum())
        ease, walk, chance = (
            rng.normal(-1.0, sd.item, new),
            np.zeros(new),
            np.empty((new, releases)),
        )
        for r in range(releases):
            if r:
                walk = walk + rng.normal(0, sd.walk, new)
            middle = logit_of_mean(means[r], math.sqrt(sd.item**2 + sd.inter**2 + r * sd.walk**2))
            chance[:, r] = _sigmoid(middle + ease + walk + rng.normal(0, sd.inter, new))
        attempted = np.ones((n + new, releases), bool)
        attempted[np.nonzero(old)[0], releases // 2 :] = False
        attempted[n:, : releases // 2] = False
        fresh = np.arange(new) + cluster.max() + 1
        both = np.concatenate([scores, self.scores(chance)])
        return both, attempted, np.concatenate([cluster, fresh])


@cache
def logit_of_mean(mean: float, spread: float) -> float:
    """The centre of a normal logit with this spread whose success rate is `mean`."""
    low, high = -15.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2
        if (_WEIGHTS * _sigmoid(middle + spread * _NODES)).sum() < mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _sigmoid(logit: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-logit))


def _hashed(text: str) -> int:
    """FNV-1a, so that a scenario's seeds are its own in every process."""
    state = 2166136261
    for byte in text.encode():
        state = ((state ^ byte) * 16777619) & 0x7FFFFFFF
    return state
