"""Scores of one suite by one scorer over the releases, as every verdict reads them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import polars as pl

from headrace.evals.elsewhere import elsewhere
from headrace.evals.errors import EvalError
from headrace.lake.statement import statements
from headrace.lake.store import Lake


class UnknownSeries(EvalError):
    """A suite, scorer or release that has no scores of a complete run; the message names others."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """What scored: a name and the identity of its code, judge and prompt. Two never mix."""

    scorer: str
    judge_hash: str | None
    releases: int
    cases: int
    newest: str  # release that it scored last
    newest_at: datetime

    @property
    def name(self) -> str:
        """As people tell two apart and `scorer` of a verb takes it."""
        return self.scorer if self.judge_hash is None else f"{self.scorer}@{self.judge_hash[:8]}"

    def is_named(self, name: str) -> bool:
        """Whether `name` is that of the scorer, with or without the start of its identity."""
        scorer, _, identity = name.rpartition("@")
        return name == self.scorer or (
            scorer == self.scorer
            and bool(identity)
            and (self.judge_hash or "").startswith(identity)
        )


def suites(lake: Lake, project: str) -> list[str]:
    """The suites of a project that have a complete run, by name."""
    return [row["suite"] for row in lake.rows(_sql()["suites"], {"project": project})]


def all_series(lake: Lake, project: str, suite: str) -> list[Series]:
    """Every scorer of a suite, the one with most releases, then most cases first.

    Raises UnknownSeries.
    """
    rows = lake.rows(_sql()["series"], {"project": project, "suite": suite})
    if not rows:
        raise UnknownSeries(_missing(lake, project, suite))
    return [Series(**row) for row in rows]


def chosen(lake: Lake, project: str, suite: str, scorer: str | None) -> list[Series]:
    """The series of that scorer (`exact`, `exact@1a2b3c4d`) or the first, then the others.

    Raises UnknownSeries.
    """
    found = all_series(lake, project, suite)
    named = [series for series in found if scorer is None or series.is_named(scorer)]
    if not named:
        known = ", ".join(series.name for series in found)
        raise UnknownSeries(f"no scorer {scorer!r} in suite {suite!r}; there are: {known}")
    return [named[0], *(series for series in found if series != named[0])]


def scored_releases(lake: Lake, project: str, suite: str) -> dict[Series, dict[str, int]]:
    """Of every series the releases that it has scores of, oldest first, with their cases.

    Raises UnknownSeries.
    """
    found: dict[Series, dict[str, int]] = {s: {} for s in all_series(lake, project, suite)}
    by = {(series.scorer, series.judge_hash): series for series in found}
    for row in lake.rows(_sql()["scored_releases"], {"project": project, "suite": suite}):
        found[by[row["scorer"], row["judge_hash"]]][row["release"]] = row["cases"]
    return found


def scores(lake: Lake, project: str, suite: str, series: Series) -> pl.DataFrame:
    """One row per attempt, releases numbered by time.

    `release` (number), `name`, `at`, `run` (number), `case_id`, `cluster`, `slice`, `epoch`,
    `value`, and of the run itself `measured` (the release it was made for) and `config_hash`:
    equal configurations are one release, the earliest.
    """
    where = {
        "project": project,
        "suite": suite,
        "scorer": series.scorer,
        "judge": series.judge_hash,
    }
    return lake.sql(_sql()["series_scores"], where).pl()


def empty_runs(lake: Lake, project: str, suite: str) -> tuple[str, ...]:
    """The releases of complete runs without any score, oldest first."""
    rows = lake.rows(_sql()["empty_runs"], {"project": project, "suite": suite})
    return tuple(row["release"] for row in rows)


def _missing(lake: Lake, project: str, suite: str) -> str:
    if empty := empty_runs(lake, project, suite):
        return (
            f"the runs of suite {suite!r} in project {project!r} left no scores (release "
            f"{', '.join(empty)}): look into their logs, then run them again"
        )
    known = ", ".join(suites(lake, project)) or f"none yet{elsewhere(lake, project)}"
    return f"no complete run of suite {suite!r} in project {project!r}; suites with runs: {known}"


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "statistics.sql")
