"""A trend in words: the verdict, slices that move, what it rests on and what does not count."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from headrace.evals.display.wording import interval_words, plural, points, verdict_words
from headrace.evals.judge import no_verdict
from headrace.evals.judges.bar import kappa_words
from headrace.evals.slices import SliceTrend
from headrace.evals.statistics.parameters import Parameters

if TYPE_CHECKING:
    from headrace.evals.trend import Trend


def story(trend: "Trend") -> str:
    """In some sentences."""
    said = [
        no_verdict(trend.judge)
        if trend.judge is not None and trend.refused
        else verdict_words(trend.verdict, trend.established),
        *_common(trend),
        *_slices(trend),
        *_extremes(trend),
        *_grounds(trend),
        *_elsewhere(trend),
    ]
    return " ".join(said)


def _common(trend: "Trend") -> Iterator[str]:
    """Over which cases releases were compared, where these are not all; what leaves too few."""
    if trend.frame.is_empty() or trend.refused:
        return
    compared = trend.frame.filter("compared")
    if trend.verdict.reason == "too few shared cases":
        yield from _gaps(trend)
    elif len(compared) > 1:
        older = _older(trend.frame, trend.verdict.window)
        if older or trend.verdict.n < max(compared["cases"].to_list()):
            names = compared["release"]
            shared = f"{plural(trend.verdict.n, 'case')} that {names[0]} to {names[-1]} share"
            yield f"Compared over the {shared}{older}."


def _older(frame: pl.DataFrame, window: int) -> str:
    """Releases that could be compared, but share too few cases with newer ones."""
    reached = frame.tail(max(Parameters().m_max, window + 1))
    left_out = reached.filter(~pl.col("compared"))["release"].to_list()
    if not left_out:
        return ""
    names = left_out[0] if len(left_out) == 1 else f"{left_out[0]} to {left_out[-1]}"
    return f"; {names} {'shares' if len(left_out) == 1 else 'share'} too few of them"


def _gaps(trend: "Trend") -> Iterator[str]:
    recent = trend.frame.tail(trend.verdict.window + 1).filter(pl.col("cases") > 0)
    whole: int = max(trend.frame["cases"].to_list())
    partial = recent.filter(pl.col("cases") < whole / 2)
    if len(partial):
        names = ", ".join(partial["release"].to_list())
        most = plural(max(partial["cases"].to_list()), "case")
        yield (
            f"{names}: scores of {'' if len(partial) == 1 else 'at most '}{most}, where the suite "
            f"has had {whole:,}; run them on all."
        )
    elif trend.verdict.n == 0 and len(recent) > 1:
        yield "The newest releases have no case in common: renamed or edited cases are other cases."


def _slices(trend: "Trend") -> Iterator[str]:
    for part in trend.slices:
        if part.state in ("improving", "regressed") and part.gain is not None:
            yield _slice(part, part.gain)


def _slice(part: SliceTrend, gain: float) -> str:
    verb = {"improving": "improves", "regressed": "regresses"}[part.state]
    against = " against the total" if part.against else ""
    interval = interval_words(part.low, part.high)
    return f"Slice {part.name} {verb}{against}: {points(gain)} points ({interval})."


def _extremes(trend: "Trend") -> Iterator[str]:
    """Nothing measured, and nothing solved, are two things."""
    if trend.frame.is_empty():
        return
    newest = trend.frame.row(-1, named=True)
    if newest["mean"] is None:
        yield (
            f"{newest['release']} has no score: {plural(newest['absent'], 'attempt')} failed to "
            "be measured. That is no zero: run it again."
        )
    elif all(mean in (0.0, None) for mean in trend.means):
        yield "No case was ever solved: check the scorer, or add easier cases."


def _grounds(trend: "Trend") -> Iterator[str]:
    through = trend.verdict.judge
    if trend.judge is not None and trend.judge.agreement is not None and through is not None:
        found = trend.judge.agreement
        yield (
            f"The judge agrees with people with kappa {kappa_words(found)} over "
            f"{plural(found.n, 'label')}; at least {100 * through.youden:.0f} % of a gain comes "
            f"through it, so {100 * trend.verdict.delta * through.youden:.1f} points stand for "
            "delta."
        )
    if trend.judge is not None and not (trend.judge.trusted or trend.refused):
        yield " ".join(["Its judge is still on trial.", *trend.judge.shortfalls])
    if trend.verdict.tau is not None:
        source = (
            "estimated"
            if trend.noise is None
            else f"floor from A/A of {plural(trend.noise.pairs, 'pair')}"
        )
        yield f"Repeatability of a release: {100 * trend.verdict.tau:.1f} points, {source}."
    if trend.delta_assumed:
        yield f"A delta of {100 * trend.verdict.delta:g} points is assumed, not given."


def _elsewhere(trend: "Trend") -> Iterator[str]:
    newer = [s for s in trend.others if s.newest_at > trend.scorer.newest_at]
    if newer:
        last = max(newer, key=lambda series: series.newest_at)
        yield (
            f"{last.newest} was scored by {last.name}, not by {trend.scorer.name}: another scorer, "
            "judge or version is another series."
        )
    if trend.empty:
        yield f"Without any score, and so not counted: {', '.join(trend.empty)}."
