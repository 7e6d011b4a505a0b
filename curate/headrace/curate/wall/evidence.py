"""All that gives cases away, put together in columns: which episode, which case, by which rule."""

from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

from headrace.curate.wall import neighbour
from headrace.curate.wall.item import Item
from headrace.curate.wall.repeat import without_boilerplate
from headrace.lake.statement import statements
from headrace.lake.store import Lake

RULES: Sequence[str] = ("exact", "group", "near", "semantic", "ngram", "judged", "similar")
CONTAMINATED, BURNED, HELD, CLEAR = "contaminated", "burned", "held", "clear"

HIT = pl.Schema(
    {
        "case_id": pl.String(),
        "episode_id": pl.String(),
        "rule": pl.String(),
        "score": pl.Float64(),
        "verdict": pl.String(),
    }
)


def episodes(lake: Lake, project: str) -> pl.DataFrame:
    """Current episodes: `episode_id`, `revision`, `group`, `split`, `asked` and `near` unit."""
    return pl.DataFrame(lake.table(_sql("episodes"), {"project": project}))


def hits(
    lake: Lake,
    project: str,
    items: Sequence[Item],
    standing: pl.DataFrame,
    overlaps: pl.DataFrame,
    agreements: pl.DataFrame,
    *,
    hold: bool = True,
) -> pl.DataFrame:
    """What these cases are given away by, among the `standing` episodes.

    `hold`: requests that may say what a case says are held back until a judge has spoken, where
    the case was brought by the team; of cases grown from traffic only what a judge condemns is.
    """
    if not items:
        return pl.DataFrame(schema=HIT)
    found = pl.concat(
        [
            _exact(overlaps, standing),
            _group(lake, project, items, standing),
            _near(neighbour.clusters(lake, project, items), standing),
            _runs(items, overlaps, standing),
            _meant(items, agreements, standing, hold=hold),
        ]
    )
    trained = pl.Series(
        "episode_id", lake.table(_sql("exported"), {"project": project})["episode_id"]
    )
    burned = (pl.col("verdict") == CONTAMINATED) & pl.col("episode_id").is_in(trained.implode())
    return (
        found.group_by("case_id", "episode_id", "rule")
        .agg(pl.col("score").max(), pl.col("verdict").min())
        .with_columns(
            verdict=pl.when(burned).then(pl.lit(BURNED)).otherwise("verdict"),
        )
        .select(HIT.names())
        .sort("case_id", "episode_id", "rule")
    )


def worst(found: pl.DataFrame) -> pl.DataFrame:
    """Of each episode the plainest rule, then the highest score, then the first case."""
    against = found.filter(pl.col("verdict") != CLEAR)
    rank = pl.col("rule").replace_strict({name: at for at, name in enumerate(RULES)})
    ordered = against.sort(
        "episode_id", rank, "score", "case_id", descending=[False, False, True, False],
        nulls_last=True,
    )  # fmt: skip
    return ordered.group_by("episode_id", maintain_order=True).first()


def _exact(overlaps: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    equal = overlaps.filter(pl.col("rule") == "exact")
    held = equal.join(standing.select("episode_id"), on="episode_id", how="semi")
    return _hit(held.select("case_id", "episode_id"), "exact", pl.lit(1.0))


def _group(lake: Lake, project: str, items: Sequence[Item], standing: pl.DataFrame) -> pl.DataFrame:
    origins = pl.DataFrame(
        {"case_id": [i.case_id for i in items], "episode_id": [i.origin for i in items]},
        schema={"case_id": pl.String, "episode_id": pl.String},
    ).drop_nulls()
    wanted = {"wanted": pa.table({"episode_id": origins["episode_id"].unique().to_arrow()})}
    groups = pl.DataFrame(lake.table(_sql("origins"), {"project": project}, wanted))
    of_case = origins.join(groups, on="episode_id").select("case_id", "group")
    mates = standing.select("episode_id", "group").join(of_case, on="group")
    return _hit(mates, "group", pl.lit(None, pl.Float64))


def _near(close: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    found = standing.select("episode_id", "near").join(close, on="near")
    return _hit(found, "near", pl.col("score"))


def _runs(items: Sequence[Item], overlaps: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    left = without_boilerplate(items, overlaps, standing.select("episode_id", "group"))
    return _hit(left, "ngram", pl.col("share"))


def _meant(
    items: Sequence[Item], agreements: pl.DataFrame, standing: pl.DataFrame, *, hold: bool
) -> pl.DataFrame:
    brought = [item.case_id for item in items if item.brought]
    found = standing.select("episode_id", "asked").join(
        agreements, left_on="asked", right_on="unit_id"
    )
    held = pl.lit(hold) & pl.col("case_id").is_in(brought)
    told = found.with_columns(
        by=pl.when(pl.col("rule") == "semantic").then(pl.lit("semantic"))
        .when(pl.col("judged").is_not_null()).then(pl.lit("judged"))
        .otherwise(pl.lit("similar")),
        said=pl.when((pl.col("rule") == "semantic") | pl.col("judged")).then(pl.lit(CONTAMINATED))
        .when(pl.col("judged").is_null() & held).then(pl.lit(HELD))
        .otherwise(pl.lit(CLEAR)),
    )  # fmt: skip
    return told.select("case_id", "episode_id", rule="by", score="cosine", verdict="said")


def _hit(rows: pl.DataFrame, rule: str, score: pl.Expr) -> pl.DataFrame:
    return rows.select(
        "case_id",
        "episode_id",
        rule=pl.lit(rule),
        score=score,
        verdict=pl.lit(CONTAMINATED),
    )


def tables(items: Sequence[Item]) -> Mapping[str, pa.Table]:
    """The cases that statements ask about."""
    return {"live": pa.table({"case_id": pa.array([i.case_id for i in items], pa.string())})}


def _sql(name: str) -> str:
    return statements("headrace.curate.wall", "wall.sql")[name]
