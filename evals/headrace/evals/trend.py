"""The quality of a product over its releases, on one suite and one scorer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl

from headrace.evals.display.sparkline import sparkline
from headrace.evals.display.story import story
from headrace.evals.display.wording import state_words
from headrace.evals.judge import JudgeTrial, hearing
from headrace.evals.judges.calibration import Labels
from headrace.evals.noise import ENOUGH, Noise, judge_noise
from headrace.evals.plateau import TrendVerdict, judge_trend
from headrace.evals.series import Series, chosen, empty_runs
from headrace.evals.series import scores as scores_of
from headrace.evals.slices import SliceTrend, judge_slices
from headrace.evals.statistics.contrast import Level, level
from headrace.evals.statistics.parameters import Parameters
from headrace.evals.statistics.window import Window, look
from headrace.lake.message import digest
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import altair as alt

ASSUMED_DELTA = 0.03  # three points: only where nobody said what a gain is worth


class Trend(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Release means with their intervals and the verdict over the cases that they share.

    `frame` has a row per release, oldest first: `release`, `at`, `cases`, `clusters`, `mean`,
    `low`, `high` (95 %, null where nothing was measured), `epochs`, `absent` (attempts without a
    score), `compared` (in the comparable window) and `shared_mean`, `shared_low`, `shared_high`
    over the cases of that window.
    """

    project: str
    suite: str
    scorer: Series
    others: tuple[Series, ...]
    frame: pl.DataFrame
    verdict: TrendVerdict
    delta_assumed: bool  # nobody gave a delta
    established: str | None  # release at which a plateau was shown that nothing contradicts since
    noise: Noise | None = None  # None: no configuration was measured twice
    slices: tuple[SliceTrend, ...] = ()  # those that move against the total first
    empty: tuple[str, ...] = ()  # releases whose run left no score of any scorer
    judge: JudgeTrial | None = None  # the scorer on trial, where people labelled attempts too

    @property
    def refused(self) -> bool:
        """No verdict: people's labels show that this judge may not feed one."""
        return self.judge is not None and self.judge.refuted

    @property
    def words(self) -> str:
        """The verdict in some sentences."""
        return story(self)

    @property
    def means(self) -> list[float | None]:
        """Per release what a chart shows: over shared cases in the window, its own outside."""
        if self.frame.is_empty():
            return []
        return self.frame.select(pl.coalesce("shared_mean", "mean")).to_series().to_list()

    @property
    def sparkline(self) -> str:
        """The means as one short text."""
        return sparkline(self.means)

    def chart(self) -> "alt.LayerChart":
        """Release means with intervals, the comparable window and a band of +- delta."""
        # Altair takes longer to import than a verdict takes to compute.
        from headrace.evals.display.chart import trend_chart

        state = state_words(self.verdict, self.established)
        return trend_chart(
            self.frame,
            delta=self.verdict.delta,
            title=f"{self.suite} by {self.scorer.scorer}: {state}",
            words=self.words,
        )


def trend(
    lake: Lake,
    *,
    suite: str,
    project: str = "default",
    scorer: str | None = None,
    delta: float | None = None,
    window: int = 3,
    human: str | None = None,
) -> Trend:
    """The trend of a suite by one scorer: by default that with most releases, then most cases.

    Releases stand by their own time, not by that of their runs. `delta` is the smallest gain per
    `window` releases that pays for the work; 0.03 is assumed, and said to be, where none is given.
    Where people labelled attempts too, under the scorer `human` or the one named, delta is shrunk
    by what comes through the judge; one that people contradict feeds no verdict at all. Labels
    too few to tell leave it on trial.
    Raises UnknownSeries, UnfitParameters.
    """
    series, *others = chosen(lake, project, suite, scorer)
    heard = hearing(lake, project, suite, series, human)
    refused = heard is not None and heard.trial.refuted
    scores = scores_of(lake, project, suite, series)
    noise = judge_noise(scores)
    court = _Court(
        delta=ASSUMED_DELTA if delta is None else delta,
        window=window,
        noise=noise if noise.pairs else None,
        calibration=heard.labels if heard is not None and heard.is_telling else None,
    )
    looks = court.looks(scores)
    verdict = looks[-1][1]
    return Trend(
        project=project,
        suite=suite,
        scorer=series,
        others=tuple(others),
        frame=_frame(scores, window),
        verdict=_refused(verdict) if refused else verdict,
        delta_assumed=delta is None,
        established=None if refused else _established(looks),
        noise=court.used(verdict),
        slices=() if refused else court.slices(scores, verdict),
        empty=empty_runs(lake, project, suite),
        judge=None if heard is None else heard.trial,
    )


def save(chart: "alt.LayerChart", path: Path | str) -> Path:
    """Write a chart as `.html`, `.svg` or `.png`, by the name's ending. Raises UnknownPicture."""
    from headrace.evals.display.chart import save as write

    return write(chart, path)


class _Court(msgspec.Struct, frozen=True, kw_only=True):
    """Judges one series at every look alike."""

    delta: float
    window: int
    noise: Noise | None
    calibration: Labels | None = None

    def judged(self, scores: pl.DataFrame) -> TrendVerdict:
        """With the floor from A/A; a few pairs may raise what a history tells, not lower it."""
        floor = None if self.noise is None else self.noise.floor(self.delta)
        if floor is None or self.noise is None or self.noise.pairs < ENOUGH:
            found = self.verdict(scores, None)
            if floor is None or found.tau is None or floor <= found.tau:
                return found
        return self.verdict(scores, floor)

    def verdict(self, scores: pl.DataFrame, tau: float | None) -> TrendVerdict:
        return judge_trend(
            scores,
            delta=self.delta,
            window=self.window,
            calibration=self.calibration,
            parameters=Parameters(tau=tau),
        )

    def used(self, verdict: TrendVerdict) -> Noise | None:
        """The A/A that the verdict rests on, if it does."""
        floor = None if self.noise is None else self.noise.floor(self.delta)
        return self.noise if floor is not None and verdict.tau == floor else None

    def slices(self, scores: pl.DataFrame, verdict: TrendVerdict) -> tuple[SliceTrend, ...]:
        return judge_slices(
            scores,
            delta=self.delta,
            window=self.window,
            total=verdict.state,
            judge=verdict.judge,
            parameters=Parameters(tau=None if self.used(verdict) is None else verdict.tau),
        )

    def looks(self, scores: pl.DataFrame) -> list[tuple[str, TrendVerdict]]:
        """The verdict at each of the last `window` releases, and as far back as a plateau goes."""
        names = scores.select("release", "name").unique().sort("release").rows()
        found: list[tuple[str, TrendVerdict]] = []
        for number, name in reversed(names[-Parameters().m_max :]):
            if len(found) >= self.window and found[0][1].state != "plateaued":
                break
            part = scores.filter(pl.col("release") <= number)
            found.insert(0, (name, self.judged(part)))
        return found


def _refused(verdict: TrendVerdict) -> TrendVerdict:
    """Nothing is claimed through a judge that people contradict, not even an interval."""
    return msgspec.structs.replace(
        verdict,
        state="inconclusive",
        reason="untrusted judge",
        gain=None,
        low=None,
        high=None,
        mde=None,
        certifiable_delta=None,
        needs=None,
        signature=digest(f"{verdict.signature} untrusted judge"),
    )


def _established(looks: Sequence[tuple[str, TrendVerdict]]) -> str | None:
    """A single look may flicker; a plateau stands until a later look shows movement."""
    since: str | None = None
    for name, verdict in looks:
        if verdict.state == "plateaued":
            since = since or name
        elif verdict.state != "inconclusive":
            since = None
    return since


def _frame(scores: pl.DataFrame, window: int) -> pl.DataFrame:
    part = look(scores, window=window, levels=Parameters(), binary=None).window
    compared = part.history.numbers[-part.length :] if part.cases else ()
    shared = dict(zip(compared, _levels(part), strict=True))
    rows = [
        _row(rows) | _compared(shared.get(rows["release"][0]))
        for rows in scores.partition_by("release", maintain_order=True)
    ]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _row(rows: pl.DataFrame) -> dict[str, Any]:
    """One release over all its own cases."""
    present = rows.filter(pl.col("value").is_not_null())
    cases = present.group_by("case_id", "cluster").agg(pl.col("value").mean(), n=pl.len())
    cases = cases.sort("case_id")
    codes = cases["cluster"].rank("dense").to_numpy().astype(np.intp)
    own: dict[str, Any] = {}
    if len(cases):
        epochs = float(np.median(cases["n"].to_numpy()))
        own = msgspec.structs.asdict(level(cases["value"].to_numpy(), codes, epochs=epochs))
    return own | {
        "release": rows["name"][0],
        "at": rows["at"][0],
        "cases": len(cases),
        "clusters": cases["cluster"].n_unique(),
        "epochs": present.select("run", "epoch").n_unique() if len(present) else 0,
        "absent": len(rows) - len(present),
    }


def _levels(part: Window) -> list[Level]:
    """One level per release of the window, over the cases it shares."""
    if not part.cases:
        return []
    counts = (~np.isnan(part.values)).sum(axis=2)
    means = np.nansum(part.values, axis=2) / counts
    epochs = float(np.median(counts))
    return [level(column, part.codes, epochs=epochs) for column in means.T]


def _compared(shared: Level | None) -> dict[str, Any]:
    if shared is None:
        return {"compared": False}
    return {
        "compared": True,
        "shared_mean": shared.mean,
        "shared_low": shared.low,
        "shared_high": shared.high,
    }


_SCHEMA = {
    "release": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "cases": pl.Int64(),
    "clusters": pl.Int64(),
    "mean": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "epochs": pl.Int64(),
    "absent": pl.Int64(),
    "compared": pl.Boolean(),
    "shared_mean": pl.Float64(),
    "shared_low": pl.Float64(),
    "shared_high": pl.Float64(),
}
