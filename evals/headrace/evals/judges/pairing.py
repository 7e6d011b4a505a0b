"""What people and a judge said of the same attempts: paired by release, case and epoch."""

from collections.abc import Sequence

import msgspec
import polars as pl

from headrace.evals.judges.calibration import Labels

KEY = ("measured", "case_id", "epoch")
PASS = 0.5  # from here on a graded value counts as a pass


class Pairs(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`frame` has a row per attempt that both labelled, in order of release, case and epoch:
    `measured` (release), `case_id`, `epoch`, `cluster`, `slice`, `human` and `judge` (0/1),
    `value` (of the judge). `rest` has what the judge alone scored: `measured`, `cluster`, `value`.
    `doubles` has `first` and `second` (0/1) and `cluster` where two people labelled an attempt.
    """

    frame: pl.DataFrame
    rest: pl.DataFrame
    doubles: pl.DataFrame
    split: int  # attempts on which people are divided: left out
    absent: int  # labelled attempts that the judge saw and gave no value
    unjudged: int  # labelled attempts that it never saw
    ambiguous: int  # labelled attempts that it scored twice, differently
    graded: int  # values of the judge between 0 and 1 among the pairs

    @property
    def labels(self) -> Labels:
        """As `calibration.calibrate` takes them."""
        return {name: self.frame[name].to_list() for name in ("human", "judge", "cluster")}


def pair(judge: pl.DataFrame, people: Sequence[pl.DataFrame]) -> Pairs:
    """From rows as `series.scores` gives them: of one judge, and of people, whoever they were."""
    labelled = _labelled(people)
    divided = labelled.filter(pl.col("human").is_null())
    said = _said(judge)
    both = labelled.filter(pl.col("human").is_not_null()).join(said, on=KEY, how="left")
    seen = both.filter(pl.col("seen").is_not_null())
    clear = seen.filter(pl.col("differ") <= 1)
    frame = clear.filter(pl.col("value").is_not_null()).sort("release", *KEY[1:])
    rest = said.filter(pl.col("value").is_not_null(), pl.col("differ") <= 1)
    doubles = labelled.filter(pl.col("second").is_not_null())
    return Pairs(
        frame=frame.select(*KEY, "cluster", "slice", "human", _passes("value"), "value"),
        rest=rest.join(labelled, on=KEY, how="anti").sort("release", *KEY[1:]),
        doubles=doubles.select("first", "second", cluster=pl.col("case_id")),
        split=len(divided),
        absent=len(clear) - len(frame),
        unjudged=len(both) - len(seen),
        ambiguous=len(seen) - len(clear),
        graded=frame.filter(~pl.col("value").is_in([0.0, 1.0])).height,
    )


def _labelled(people: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One row per attempt: what most people said, null where they are divided; two of them."""
    columns = (*KEY, "run", "value")
    rows = [
        part.select(*columns, by=pl.lit(number)).filter(pl.col("value").is_not_null())
        for number, part in enumerate(people)
    ]
    passed = (pl.col("value") >= PASS).cast(pl.Int64)
    votes = pl.col("vote")
    return (
        pl.concat(rows)
        .sort("by", "run", *KEY)
        .with_columns(passed.alias("vote"))
        .group_by(KEY, maintain_order=True)
        .agg(
            human=pl.when(votes.mean() != PASS).then((votes.mean() > PASS).cast(pl.Int64)),
            first=votes.first(),
            second=votes.get(1, null_on_oob=True),
        )
    )


def _said(judge: pl.DataFrame) -> pl.DataFrame:
    """One row per attempt of the judge; `differ` counts distinct values of several runs."""
    return judge.group_by(KEY, maintain_order=True).agg(
        pl.col("release", "cluster", "slice").first(),
        value=pl.col("value").drop_nulls().first(),
        differ=pl.col("value").drop_nulls().n_unique(),
        seen=pl.lit(True),
    )


def _passes(column: str) -> pl.Expr:
    return (pl.col(column) >= PASS).cast(pl.Int64).alias("judge")
