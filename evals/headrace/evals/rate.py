"""How often each release succeeded in production, among what was marked."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl

from headrace.evals.statistics.contrast import Level, level
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Z95 = 1.959963984540054  # two-sided 95 %


def success_rates(
    lake: Lake, project: str = "default", *, releases: Collection[str | None] | None = None
) -> pl.DataFrame:
    """One row per release, or of those given, oldest first, over root episodes as they stand.

    Columns: `release` (null: not known), `at`, `episodes`, `successes`, `failures`, `pending`,
    `conflicting`, `unmarked`, `clusters` (distinct requests among the marked), `rate` = successes
    / (successes + failures), `low`, `high` (95 %), `of_all` = successes / episodes. Rate and
    interval are null where nothing is marked. The interval is Wilson's, or, where several marked
    episodes share a request, the cluster-robust one of `contrast.level`.
    """
    sql = statements("headrace.evals", "statistics.sql")["root_episodes"]
    rows = lake.sql(sql, {"project": project}).pl()
    if releases is not None:
        wanted = pl.Series(list(releases), dtype=pl.String())
        rows = rows.filter(pl.col("release").is_in(wanted.implode(), nulls_equal=True))
    parts = rows.partition_by("release", maintain_order=True) if len(rows) else []
    return pl.DataFrame([_row(part) for part in parts], schema=_SCHEMA)


def wilson(successes: int, trials: int) -> Level:
    """Share of successes with Wilson's 95 % score interval; at least one trial."""
    share, z2 = successes / trials, Z95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    half = Z95 * spread / (1 + z2 / trials)
    # a share of 0 or 1 is its own bound; floating point alone misses it by a hair
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return Level(mean=share, low=low, high=high)


def _row(part: pl.DataFrame) -> dict[str, Any]:
    marked = part.filter(pl.col("resolution").is_in(["success", "failure"]))
    counts = dict(part["resolution"].value_counts().iter_rows())
    found = _rate(marked)
    successes = counts.get("success", 0)
    return {
        "release": part["release"][0],
        "at": part["at"][0],
        "episodes": len(part),
        "successes": successes,
        "failures": counts.get("failure", 0),
        "pending": counts.get("pending", 0),
        "conflicting": counts.get("conflicting", 0),
        "unmarked": counts.get("unmarked", 0),
        "clusters": marked["cluster"].n_unique(),
        "rate": None if found is None else found.mean,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "of_all": successes / len(part),
    }


def _rate(marked: pl.DataFrame) -> Level | None:
    if marked.is_empty():
        return None
    won: Sequence[bool] = (marked["resolution"] == "success").to_list()
    if marked["cluster"].n_unique() == len(marked):
        return wilson(sum(won), len(won))
    codes = marked["cluster"].rank("dense").to_numpy().astype(np.intp)
    return level(np.array(won, dtype=np.float64), codes)


_SCHEMA = {
    "release": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "episodes": pl.Int64(),
    "successes": pl.Int64(),
    "failures": pl.Int64(),
    "pending": pl.Int64(),
    "conflicting": pl.Int64(),
    "unmarked": pl.Int64(),
    "clusters": pl.Int64(),
    "rate": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "of_all": pl.Float64(),
}
