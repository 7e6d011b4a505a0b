"""What the lake can tell about readiness: one signal per gate, each with a sentence."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from headrace.evals.display.wording import needs_words
from headrace.evals.trend import Trend
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Gate = Literal["evals", "data", "tools", "prompt", "trend", "cost", "latency"]
Side = Literal["for", "against", "unknown"]

CASES, CLUSTERS, RELEASES, ABSENT = 200, 30, 3, 0.05
SUCCESSES = 500
LARGE = 0.10  # share of the cases from which on a slice speaks for itself
RECENT = timedelta(weeks=4)
CHURN = {"tools": 0.05, "prompt": 0.15}  # share of recent releases that may have changed it


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One argument for or against fine-tuning, or the lack of one."""

    name: Gate
    state: Side
    sentence: str
    about: str | None = None  # a suite
    value: float | None = None  # None: not measured
    low: float | None = None
    high: float | None = None
    cure: str | None = None  # what would turn it or settle it


class _Check(msgspec.Struct, frozen=True, kw_only=True):
    holds: bool
    short: str  # said where it does not hold
    cure: str


def no_evals() -> list[Signal]:
    """The signals of a project whose suites have no complete run."""
    cure = "build a suite and run it: headrace eval build, then headrace eval run"
    return [
        Signal(name="evals", state="against", sentence="No suite has a complete run.", cure=cure),
        Signal(name="trend", state="unknown", sentence="There is no trend to judge.", cure=cure),
    ]


def maturity(trend: Trend) -> Signal:
    """Whether a suite can carry a decision; `value` is the share of checks that hold."""
    checks = list(_checks(trend))
    short = [check for check in checks if not check.holds]
    faults = "; ".join(check.short for check in short)
    return Signal(
        name="evals",
        about=trend.suite,
        state="against" if short else "for",
        value=1 - len(short) / len(checks),
        sentence=f"The evals of {trend.suite!r} are "
        + (f"not mature: {faults}." if short else "mature."),
        cure=short[0].cure if short else None,
    )


def movement(trend: Trend, *, mature: bool) -> Signal:
    """The trend of a suite: a plateau speaks for fine-tuning, movement against it."""
    state, cure = _side(trend, mature)
    verdict = trend.verdict
    return Signal(
        name="trend",
        about=trend.suite,
        state=state,
        value=verdict.gain,
        low=verdict.low,
        high=verdict.high,
        sentence=f"Trend of {trend.suite!r} by {trend.scorer.scorer}: {trend.words}",
        cure=cure,
    )


def sufficiency(lake: Lake, project: str) -> Signal:
    """Successes that training could use: distinct, and apart from every eval."""
    [row] = lake.rows(_sql("successes"), {"project": project})
    usable, missing = row["effective"], SUCCESSES - row["effective"]
    return Signal(
        name="data",
        state="against" if missing > 0 else "for",
        value=float(usable),
        sentence=f"{usable} of {SUCCESSES} usable successes: {row['successes']} episodes "
        f"succeeded, {row['held_for_evals']} of them held for evals; duplicates and overlaps "
        "with cases do not count.",
        cure=f"collect {missing} more successes" if missing > 0 else None,
    )


def churn(lake: Lake, project: str, what: Literal["tools", "prompt"], now: datetime) -> Signal:
    """Share of the releases of the last four weeks that changed the prompt, or the tools.

    All releases are counted, none sampled: there is no interval.
    """
    releases = lake.rows(_sql("release_hashes"), {"project": project, "now": now})
    if not releases:
        said = f"No release is known: nothing can be said of the {what}."
        return Signal(name=what, state="unknown", sentence=said)
    if not any(row["at"] > now - RECENT for row in releases):
        said = f"No release in four weeks: the {what} stood still."
        return Signal(name=what, state="for", value=0.0, sentence=said)
    # a release observed without tools has a prompt hash alone
    known = [row for row in releases if row["prompt_hash"] is not None]
    changed = [
        before[f"{what}_hash"] != after[f"{what}_hash"]
        for before, after in pairwise(known)
        if after["at"] > now - RECENT
    ]
    return _moving(what, changed)


def business() -> list[Signal]:
    """Cost and latency need numbers that no trace holds."""
    return [
        Signal(
            name="cost",
            state="unknown",
            sentence="Cost is not weighed: that takes revenue per task, tasks a month and the "
            "price of a GPU hour.",
        ),
        Signal(
            name="latency",
            state="unknown",
            sentence="Latency is not weighed: that takes a target and the rate limit of the API.",
        ),
    ]


def _sql(name: str) -> str:
    return statements("headrace.evals", "statistics.sql")[name]


def _moving(what: Literal["tools", "prompt"], changed: list[bool]) -> Signal:
    if not changed:
        return Signal(
            name=what,
            state="unknown",
            sentence=f"Whether the {what} moved in four weeks is not known: no two releases to "
            "compare had their prompt in traces.",
            cure="send system prompts and tool definitions in traces",
        )
    share = sum(changed) / len(changed)
    verb = "are" if what == "tools" else "is"
    return Signal(
        name=what,
        state="against" if share > CHURN[what] else "for",
        value=share,
        sentence=f"{sum(changed)} of {len(changed)} releases in four weeks changed the {what}.",
        cure=f"wait until the {what} {verb} settled" if share > CHURN[what] else None,
    )


def _side(trend: Trend, mature: bool) -> tuple[Side, str | None]:
    if trend.verdict.state == "improving":
        return "against", "go on with the prompt: it still pays"
    if trend.verdict.state == "regressed":
        return "against", "fix first what the newest release broke"
    if trend.established is None:
        return "unknown", _decider(trend)
    if not mature:
        return "unknown", "make the evals mature: until then their plateau counts for nothing"
    if (rising := _rising(trend)) is not None:
        return "against", f"go on with the prompt where it still pays: slice {rising} improves"
    return "for", None


def _rising(trend: Trend) -> str | None:
    """A slice with a tenth of the cases or more that improves beneath a plateau."""
    least = LARGE * trend.verdict.n
    rising = (s.name for s in trend.slices if s.state == "improving" and s.n >= least)
    return next(rising, None)


def _decider(trend: Trend) -> str | None:
    """What would end an inconclusive trend, as far as planning can tell."""
    verdict = trend.verdict
    if verdict.reason == "saturated":
        return f"add harder cases to {trend.suite!r}"
    if verdict.reason == "missing data":
        return f"run the attempts of {trend.suite!r} again that have no score"
    words = None if verdict.needs is None else needs_words(verdict.needs, verdict.n)
    return f"run {trend.suite!r} with {words or 'more cases and on the next releases'}"


def _checks(trend: Trend) -> Iterator[_Check]:
    verdict, suite = trend.verdict, trend.suite
    yield _Check(
        holds=verdict.absent <= ABSENT,
        short=f"{100 * verdict.absent:.0f} % of attempts have no score",
        cure=f"run the attempts of {suite!r} again that have no score",
    )
    yield _Check(
        holds=verdict.n >= CASES,
        short=f"{verdict.n} of {CASES} cases that all releases share",
        cure=f"run {CASES - verdict.n} more cases of {suite!r} on every release compared",
    )
    yield _Check(
        holds=verdict.clusters >= CLUSTERS,
        short=f"{verdict.clusters} of {CLUSTERS} clusters",
        cure=f"add cases of {CLUSTERS - verdict.clusters} more customers or documents",
    )
    yield _Check(
        holds=verdict.releases >= RELEASES,
        short=f"{verdict.releases} of {RELEASES} releases by one scorer",
        cure=f"run {suite!r} on {RELEASES - verdict.releases} more releases",
    )
    yield _Check(
        holds=_is_sharp(trend),
        short=f"a gain of {200 * verdict.delta:g} points could hide",
        cure=_decider(trend) or f"run {suite!r} with more cases",
    )
    yield _Check(
        holds=verdict.reason != "saturated",
        short="saturated",
        cure=f"add harder cases to {suite!r}",
    )
    yield _Check(
        holds=trend.judge.trusted if trend.judge is not None else not _is_judged(trend),
        short="its judge is not calibrated",
        cure="label 100 cases by hand beside the judge",
    )


def _is_sharp(trend: Trend) -> bool:
    verdict = trend.verdict
    certifiable = verdict.certifiable_delta
    decided = verdict.state != "inconclusive"
    return decided or (certifiable is not None and certifiable <= 2 * verdict.delta)


def _is_judged(trend: Trend) -> bool:
    """Scorers that ask a model are so named, Inspect's and ours."""
    return trend.scorer.scorer.startswith(("model_graded", "graded"))
