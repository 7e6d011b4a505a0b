"""Which stored requests are nearly what a case asks, found as near duplicates of each other are."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.curate.near import edge, minhash, recipe
from headrace.curate.near.index import HOT, signatures_of
from headrace.curate.near.recipe import NEAR
from headrace.curate.wall.item import Item
from headrace.lake.statement import statements
from headrace.lake.store import Lake

CLOSE = pl.Schema({"case_id": pl.String(), "near": pl.Int64(), "score": pl.Float64()})


def clusters(lake: Lake, project: str, items: Sequence[Item]) -> pl.DataFrame:
    """Cases and the `near` clusters in which a request is as good as theirs, with the score."""
    found = pl.concat([_equal(lake, project, items), _similar(lake, project, items)])
    best = found.group_by("item", "unit_id").agg(pl.col("score").max())
    units = pa.table({"unit_id": best["unit_id"].unique().to_arrow()})
    held = pl.DataFrame(
        lake.table(_sql("clusters_of_units"), {"project": project}, {"wanted": units})
    )
    names = pl.DataFrame({"item": range(len(items)), "case_id": [one.case_id for one in items]})
    told = best.join(held, on="unit_id").join(names, on="item")
    return told.group_by("case_id", "near").agg(pl.col("score").max()).cast(CLOSE)


def _equal(lake: Lake, project: str, items: Sequence[Item]) -> pl.DataFrame:
    """Units that a case repeats once both are masked."""
    shapes = [(at, name) for at, item in enumerate(items) for name in sorted(item.shapes)]
    wanted = pa.table(
        {
            "item": pa.array([at for at, _ in shapes], pa.int64()),
            "text_hash": pa.array([name for _, name in shapes], pa.string()),
        }
    )
    found = lake.table(_sql("units_of_shapes"), {"project": project}, {"wanted": wanted})
    return pl.DataFrame(found).select("item", "unit_id", score=pl.lit(1.0))


def _similar(lake: Lake, project: str, items: Sequence[Item]) -> pl.DataFrame:
    """Units with enough of the slots of a case; cases of few words have no near duplicates."""
    told = recipe.request()
    long, signed = signatures_of([item.shape for item in items], told)
    numbers = np.array(long, dtype=np.int64)
    bands = edge.band_rows(numbers, minhash.band_keys(signed, told)).rename({"unit_id": "item"})
    given = {"project": project, "algo": told.algo}
    pairs = pl.DataFrame(
        lake.table(_sql("units_in_buckets"), {**given, "most": HOT}, {"wanted": bands.to_arrow()})
    )
    wanted = pa.table({"unit_id": pairs["unit_id"].unique().to_arrow()})
    stored = lake.table(_sql("signatures"), given, {"wanted": wanted})
    ids = np.asarray(stored["unit_id"], dtype=np.int64)
    raw = b"".join(stored["signature"].to_pylist())
    theirs = np.frombuffer(raw, dtype="<u4").reshape(len(ids), told.slots)
    known = pairs.filter(pl.col("unit_id").is_in(ids.tolist()))
    one = np.searchsorted(numbers, known["item"].to_numpy())
    other = len(numbers) + np.searchsorted(ids, known["unit_id"].to_numpy())
    share = minhash.scores(np.concatenate((signed, theirs.astype(signed.dtype))), one, other)
    scored = known.with_columns(score=pl.Series(share, dtype=pl.Float64))
    return scored.filter(pl.col("score") >= NEAR).select("item", "unit_id", "score")


def _sql(name: str) -> str:
    return statements("headrace.curate.wall", "wall.sql")[name]
