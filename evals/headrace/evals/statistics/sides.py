"""The scores of two releases made ready to be compared: what they share and what they do not."""

from collections.abc import Iterator, Mapping
from typing import Self

import msgspec
import numpy as np
import polars as pl

from headrace.evals.errors import EvalError
from headrace.evals.statistics.history import Flags, UnfitScores, history
from headrace.evals.statistics.window import Window

_TEXTS = ("run", "cluster", "slice", "scorer", "judge_hash")


class UnequalScorers(EvalError):
    """Two releases were not scored alike; the message names both identities."""


class Sides(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Releases A and B as releases 0 and 1 of one frame."""

    names: tuple[str, str]
    scores: pl.DataFrame
    slices: Mapping[str, str]  # case -> slice, where it has one

    @classmethod
    def of(cls, a: pl.DataFrame, b: pl.DataFrame, names: tuple[str, str]) -> Self:
        """A cluster or slice that one side tells holds for both.

        Raises UnfitScores, UnequalScorers.
        """
        parts = [_part(a, 0, names[0]), _part(b, 1, names[1])]
        both = pl.concat(parts, how="diagonal_relaxed")
        _check_scorers(both, names)
        told = [
            pl.coalesce(column, pl.col(column).drop_nulls().first().over("case_id"))
            for column in ("cluster", "slice")
            if column in both.columns
        ]
        scores = both.with_columns(told)
        return cls(names=names, scores=scores, slices=slices_of(scores))

    def window(self, binary: bool | None) -> Window:
        """The cases with a score on both sides; none where one side has no score at all."""
        whole = history(self.scores, last=2, binary=binary)
        present: Flags = np.any(~np.isnan(whole.values), axis=2)
        shared: Flags = np.all(present, axis=1) & (whole.releases == 2)
        return Window(history=whole, length=2, shared=shared)

    @property
    def absent(self) -> tuple[int, int]:
        """Attempts without a score in A and in B."""
        side = pl.col("release")
        first, second = self.scores.select(
            (pl.col("value").is_null() & (side == 0)).sum().alias("a"),
            (pl.col("value").is_null() & (side == 1)).sum().alias("b"),
        ).row(0)
        return first, second

    @property
    def absent_share(self) -> float:
        """Of the attempts at cases that both sides were asked."""
        both = self.scores.filter(pl.col("release").n_unique().over("case_id") == 2)
        return float(both["value"].null_count() / len(both)) if len(both) else 0.0

    def asked(self, side: int) -> set[str]:
        """The cases that A (0) or B (1) was asked, whatever came of it."""
        return set(self.scores.filter(pl.col("release") == side)["case_id"])

    def extremes(self) -> Iterator["Sides"]:
        """As if every absent score had spoken for A, and as if every one had spoken for B."""
        for a, b in ((1.0, 0.0), (0.0, 1.0)):
            value = pl.when(pl.col("release") == 0).then(a).otherwise(b)
            filled = self.scores.with_columns(pl.coalesce("value", value).alias("value"))
            yield msgspec.structs.replace(self, scores=filled)


def slices_of(scores: pl.DataFrame) -> dict[str, str]:
    """Case -> slice, where it has one. Raises UnfitScores."""
    if "slice" not in scores.columns:
        return {}
    told = scores.select(pl.col("case_id", "slice").cast(pl.String))
    rows = told.drop_nulls("slice").unique().sort("case_id", "slice")
    if len(rows) > rows["case_id"].n_unique():
        case = rows.filter(pl.col("case_id").is_duplicated())["case_id"][0]
        raise UnfitScores(f"column 'slice' puts case {case!r} in two slices: choose one")
    return dict(rows.iter_rows())


def _part(frame: pl.DataFrame, side: int, name: str) -> pl.DataFrame:
    if missing := sorted({"case_id", "value"} - set(frame.columns)):
        raise UnfitScores(
            f"scores of {name} lack the column {missing[0]!r}: needed are case_id and value, "
            "useful are run, epoch, cluster and slice"
        )
    value = pl.col("value")
    if frame.schema["value"].is_numeric() or frame.schema["value"] in (pl.Boolean, pl.Null):
        value = value.cast(pl.Float64).fill_nan(None)
    return frame.select(
        pl.lit(side).alias("release"),
        pl.col("case_id").cast(pl.String),
        *(pl.col(column).cast(pl.String) for column in _TEXTS if column in frame.columns),
        pl.col("epoch") if "epoch" in frame.columns else pl.lit(0).alias("epoch"),
        value,
    )


def _check_scorers(both: pl.DataFrame, names: tuple[str, str]) -> None:
    columns = [column for column in ("scorer", "judge_hash") if column in both.columns]
    if not columns or both.select(columns).n_unique() == 1:
        return
    said = "; ".join(
        f"{names[side]} by {' '.join(part for part in identity if part is not None) or 'no name'}"
        for side, *identity in both.select("release", *columns).unique().sort(pl.all()).iter_rows()
    )
    raise UnequalScorers(
        f"scores of two scorers do not compare: {said}. Score both releases by one scorer, "
        "judge and version"
    )
