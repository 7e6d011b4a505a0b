"""A/A: how much a release moves when it is measured again, beyond what its cases explain."""

from collections.abc import Iterator

import msgspec
import numpy as np
import polars as pl
from scipy.special import chdtri

from headrace.evals.display.wording import plural
from headrace.evals.series import Series, chosen
from headrace.evals.series import scores as scores_of
from headrace.evals.statistics.contrast import Floats
from headrace.evals.statistics.history import history
from headrace.evals.statistics.parameters import Parameters
from headrace.evals.statistics.window import Window
from headrace.lake.store import Lake

MIN_CASES = 20  # that two runs must share
ENOUGH = 3  # repeats that replace what a history tells of itself
_LEVEL = 0.95


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """One more run of a configuration against the mean of those before it."""

    release: str
    cases: int  # that all its runs share
    difference: float
    low: float  # 95 %, from cases and epochs alone
    high: float
    variance: float  # of the difference, from cases and epochs
    weight: float  # how many variances of a run it holds


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """Repeatability: the standard deviation of a run's mean, sampling taken off."""

    tau: float | None  # on the scale of the scores, never negative; None: nothing was repeated
    low: float | None  # 95 %
    high: float | None
    repeats: tuple[Repeat, ...]

    @property
    def pairs(self) -> int:
        return len(self.repeats)

    @property
    def words(self) -> str:
        """In a sentence or two."""
        if self.tau is None or self.low is None or self.high is None:
            return (
                "No configuration was measured twice on the same cases: run a release again, and "
                "its two runs tell how much a release moves by itself."
            )
        source = f"from A/A of {plural(self.pairs, 'pair')}"
        if self.high == 0:  # closer together than chance lets them be: that is no certainty
            return (
                f"Runs of one release differ by no more than their cases explain, {source}: too "
                "alike for an interval."
            )
        return (
            f"A release that is measured again moves by {100 * self.tau:.1f} points beyond what "
            f"its cases explain (standard deviation; 95 % interval {100 * self.low:.1f} to "
            f"{100 * self.high:.1f}), {source}."
        )

    def floor(self, delta: float) -> float | None:
        """What verdicts take for tau: not below a fifth of delta, unless that is ruled out."""
        if self.tau is None or self.high is None:
            return None
        usual = Parameters().tau_floor * delta
        return self.high if self.high < usual else max(self.tau, usual)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The noise of one series of a suite."""

    suite: str
    series: Series
    noise: Noise


def noise(
    lake: Lake, *, suite: str, project: str = "default", scorer: str | None = None
) -> Measured:
    """From the runs of a suite by one scorer: by default the first that has repeats.

    Raises UnknownSeries.
    """
    series, *others = chosen(lake, project, suite, scorer)
    asked = [series] if scorer is not None else [series, *others]
    found = [
        Measured(suite=suite, series=one, noise=judge_noise(scores_of(lake, project, suite, one)))
        for one in asked
    ]
    return next((one for one in found if one.noise.pairs), found[0])


def judge_noise(scores: pl.DataFrame) -> Noise:
    """From the runs of equal configurations. Pure: no clock, no chance.

    `scores` has the columns that `judge_trend` takes, and may have `name` (of the release) and
    `config_hash`: only runs that agree in it are repeats. Estimate: Paule, Mandel 1982; interval:
    Viechtbauer 2007 (Q-profile). Raises UnfitScores.
    """
    repeats = tuple(
        repeat for name, rows in _measured_again(scores) for repeat in _repeats(name, rows)
    )
    if not repeats:
        return Noise(tau=None, low=None, high=None, repeats=())
    tail = (1 - _LEVEL) / 2
    return Noise(
        tau=_tau(repeats, float(len(repeats))),
        low=_tau(repeats, float(chdtri(len(repeats), tail))),
        high=_tau(repeats, float(chdtri(len(repeats), 1 - tail))),
        repeats=repeats,
    )


def _measured_again(scores: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of every configuration with more than one run, oldest release first."""
    if scores.is_empty() or "run" not in scores.columns:
        return
    name = pl.col("name") if "name" in scores.columns else pl.col("release").cast(pl.String)
    config = pl.col("config_hash") if "config_hash" in scores.columns else pl.lit(None, pl.String)
    keyed = scores.with_columns(name.alias("name"), config.alias("config_hash"))
    again = keyed.filter(pl.col("run").n_unique().over("release", "config_hash") > 1)
    for rows in again.sort("release").partition_by("release", "config_hash", maintain_order=True):
        yield rows["name"][0], rows


def _repeats(name: str, rows: pl.DataFrame) -> Iterator[Repeat]:
    """Helmert contrasts: independent of each other, however many runs there are."""
    window = _runs(rows)
    panel = msgspec.structs.replace(window.panel, binary=False) if window.cases else None
    if panel is None or window.cases < MIN_CASES or panel.clusters < 2:
        return
    for run in range(1, window.length):
        weights = np.zeros(window.length)
        weights[:run], weights[run] = -1 / run, 1.0
        found = window.panel.contrast(weights)
        half = panel.quantile((1 - _LEVEL) / 2) * found.error
        yield Repeat(
            release=name,
            cases=window.cases,
            difference=found.estimate,
            low=found.estimate - half,
            high=found.estimate + half,
            variance=panel.sampling_variance(weights),
            weight=float(weights @ weights),
        )


def _runs(rows: pl.DataFrame) -> Window:
    """The runs as if they were releases: those that share enough cases with all before them.

    Runs over other cases are shards of one measurement, not repeats of it.
    """
    runs = rows.with_columns(pl.col("run").rank("dense").cast(pl.Int64).alias("release"))
    whole = history(runs, last=runs["release"].n_unique())
    present = np.any(~np.isnan(whole.values), axis=2)
    kept, shared = [0], present[:, 0]
    for run in range(1, whole.releases):
        if (shared & present[:, run]).sum() >= MIN_CASES:
            kept.append(run)
            shared = shared & present[:, run]
    only = msgspec.structs.replace(whole, values=whole.values[:, kept], asked=whole.asked[:, kept])
    return Window(history=only, length=len(kept), shared=shared)


def _tau(repeats: tuple[Repeat, ...], spread: float) -> float:
    """The tau at which the standardised differences have this sum of squares; 0 where none has."""
    squares: Floats = np.array([repeat.difference for repeat in repeats]) ** 2
    sampling: Floats = np.array([repeat.variance for repeat in repeats])
    weights: Floats = np.array([repeat.weight for repeat in repeats])

    def is_wide(tau: float) -> bool:
        total = sampling + weights * tau**2
        held = total > 0
        return bool((~held & (squares > 0)).any() or (squares[held] / total[held]).sum() > spread)

    low, high = 0.0, 1.0  # no mean moves further
    if not is_wide(low):
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if is_wide(middle) else (low, middle)
    return high
