"""Is release B better than A? Paired by case, with an interval, a test and the cases that flipped.

`better` and `worse`: the test of no difference fails at 5 %. `equivalent`: two one-sided tests
at 5 % show a difference smaller than delta. Else `undecided`, with its price.
"""

from collections.abc import Mapping

import polars as pl

from headrace.evals.errors import EvalError
from headrace.evals.judge import refuse_untrusted
from headrace.evals.noise import judge_noise
from headrace.evals.series import Series, UnknownSeries, scored_releases, scores
from headrace.evals.statistics.comparison import Comparison
from headrace.evals.statistics.parameters import check
from headrace.evals.statistics.sides import Sides, UnequalScorers
from headrace.evals.statistics.weighing import Weighing
from headrace.lake.store import Lake

__all__ = ["Comparison", "UnequalScorers", "compare", "compare_releases"]

ASSUMED_DELTA = 0.03  # three points: only where nobody said what a difference is worth


def compare(
    a: pl.DataFrame,
    b: pl.DataFrame,
    *,
    delta: float,
    names: tuple[str, str] = ("A", "B"),
    binary: bool | None = None,
    tau: float = 0.0,
    traffic: Mapping[str, float] | None = None,
    same: bool = False,
) -> Comparison:
    """Compare two releases. Pure: no clock, no chance, no lake.

    Each frame has a row per attempt: `case_id`, `value` in [0, 1] (null: absent), optional `run`,
    `epoch`, `cluster`, `slice`, `scorer`, `judge_hash`. `delta`: the smallest difference that
    matters. `tau`: repeatability of a release beyond sampling, from A/A. `traffic`: share of each
    slice, else that of its cases. `same`: both are one configuration measured twice, so that
    whatever differs is noise. Raises UnfitScores, UnequalScorers, UnfitParameters.
    """
    check(delta, 1)
    task = Weighing(delta=delta, binary=binary, tau=tau, traffic=traffic, same=same)
    return task.compared(Sides.of(a, b, names))


def compare_releases(
    lake: Lake,
    *,
    suite: str,
    a: str,
    b: str,
    project: str = "default",
    scorer: str | None = None,
    delta: float = ASSUMED_DELTA,
) -> Comparison:
    """Compare two releases of a suite by one scorer: by default that with most cases of both.

    Where runs of its series were repeated, what a release moves by itself is allowed for.
    Raises EvalError for one name twice, UnknownSeries, UnequalScorers, UntrustedJudge,
    UnfitParameters.
    """
    if a == b:
        raise EvalError(
            f"release {a!r} is named twice: name the one that stands, then the one that may "
            "replace it"
        )
    series = _shared_series(lake, project, suite, scorer, (a, b))
    refuse_untrusted(lake, project, suite, series)
    rows = scores(lake, project, suite, series)
    one, other = (rows.filter(pl.col("measured") == name) for name in (a, b))
    return compare(
        one,
        other,
        delta=delta,
        names=(a, b),
        tau=judge_noise(rows).tau or 0.0,
        same=_is_same(one, other),
    )


def _is_same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether a configuration was measured under both names."""
    hashes = [set(frame["config_hash"].drop_nulls()) for frame in (one, other)]
    return bool(hashes[0] & hashes[1])


def _shared_series(
    lake: Lake, project: str, suite: str, scorer: str | None, names: tuple[str, str]
) -> Series:
    """The series in which both releases have scores, that with most cases of the lesser one."""
    of = {
        series: scored
        for series, scored in scored_releases(lake, project, suite).items()
        if scorer is None or series.is_named(scorer)
    }
    for name in names:
        if not any(name in scored for scored in of.values()):
            known = ", ".join(dict.fromkeys(r for scored in of.values() for r in scored)) or "none"
            by = "" if scorer is None else f" by scorer {scorer!r}"
            raise UnknownSeries(
                f"release {name!r} has no scores{by} in suite {suite!r}; releases with scores: "
                f"{known}"
            )
    both = [series for series, scored in of.items() if all(name in scored for name in names)]
    if not both:
        said = "; ".join(
            f"{name} by {', '.join(s.name for s, scored in of.items() if name in scored)}"
            for name in names
        )
        raise UnequalScorers(
            f"scores of two scorers do not compare: {said}. Score both releases by one scorer, "
            "judge and version: `inspect score` does that to logs that are there"
        )
    return max(both, key=lambda series: min(of[series][name] for name in names))
