"""Which episodes ask the same and which are the same; nothing is ever deleted.

Two runs of one request with different outcomes are the most telling data there is, so a duplicate
needs the same outcome, and the same steps with nearly the same transcript or request: on and off
may be one word of a long talk. An episode is one document however many calls it holds: call k + 1
repeats call k, and comparing calls would melt a run into one record.
"""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from headrace.curate import ledger
from headrace.curate.frame import arrow, utc
from headrace.curate.near.recipe import DUPLICATE
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "dedupe"
VERSION = "dedupe/2"

KEYS: Mapping[str, tuple[str, ...]] = {  # what makes two examples one, each beside the outcome
    "transcript": ("transcript_dup", "steps"),
    "request": ("request_dup", "skeleton"),  # without steps a request shows nothing
}
METHODS = ("request", "near", "duplicate")


def dedupe(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Write the clusters `request`, `near`, `duplicate`, and for each episode whether it is kept.

    Of duplicates the latest represents them; every member has its rank and weighs 1 / size. Reads
    what `units` and `resolve` found; writes what changed since.
    """
    found = examples(lake, project)
    clusters = [_cluster(found, method) for method in METHODS]
    duplicates = clusters[-1]
    steps = [(method, rows) for method, rows in zip(METHODS, clusters, strict=True)]

    def write(tx: Transaction) -> None:
        for method, rows in steps:
            _settle_clusters(tx, project, method, rows)
        _settle_decisions(tx, project, duplicates, now)

    lake.write(write)
    told(len(found), len(found))
    return _result(found, duplicates)


def examples(lake: Lake, project: str) -> pl.DataFrame:
    """Every episode that was cut into units, a row each, with the cluster of its duplicates.

    `part` numbers the clusters; `likeness` is how alike an episode is to its own, 0..1.
    """
    sql, given = statements("headrace.curate", "dedupe.sql"), {"project": project}
    found = pl.DataFrame(lake.table(sql["examples"], given))
    likeness = pl.DataFrame(lake.table(sql["likeness"], {**given, "least": DUPLICATE}))
    ties = [
        likeness.rename({"unit_id": kind, "score": f"{kind}_tie"})
        for kind in ("request", "transcript")
    ]
    for tie in ties:
        found = found.join(tie, on=tie.columns[0], how="left")
    found = found.with_columns(steps=pl.col("skeleton").fill_null(-1))
    return found.with_columns(part=pl.Series(_parts(found), dtype=pl.Int64)).sort("episode_id")


def _parts(found: pl.DataFrame) -> np.ndarray:
    """The component of each row: episodes on one side, what they may share on the other."""
    count = len(found)
    ends = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    nodes = count
    for columns in KEYS.values():
        keyed = found.with_row_index("row").drop_nulls(columns)
        codes = _codes(keyed.select("resolution", *columns))
        ends.append((keyed["row"].to_numpy().astype(np.int64), nodes + codes))
        nodes += len(keyed)
    one, other = (np.concatenate(side) for side in zip(*ends, strict=True))
    graph = coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(nodes, nodes))
    _, part = connected_components(graph, directed=False)
    return part[:count].astype(np.int64)


def _codes(keys: pl.DataFrame) -> np.ndarray:
    """A number for each distinct row, below their count."""
    return (
        keys.select(pl.struct(pl.all()).rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    )


def _cluster(found: pl.DataFrame, method: str) -> pl.DataFrame:
    """`episode_id`, `cluster_id`, `rank`, `representative`, `weight`, `similarity`, `of`."""
    named = found.with_columns(cluster_id=_name(method)).drop_nulls("cluster_id")
    recent = ("started_at", "episode_id")
    ordered = named.sort(*recent, descending=True, nulls_last=True)
    within = ordered.with_columns(
        rank=pl.int_range(1, pl.len() + 1).over("cluster_id"),
        size=pl.len().over("cluster_id"),
        of=pl.col("episode_id").first().over("cluster_id"),
        same_transcript=_equal("transcript"),
        near_transcript=_equal("transcript_dup"),
        same_request=_equal("request"),
    )
    return within.with_columns(
        representative=pl.col("rank") == 1,
        weight=1 / pl.col("size"),
        similarity=_similarity(method),
    )


def _name(method: str) -> pl.Expr:
    """Clusters are named by their oldest unit, and never after somebody who may go."""
    if method == "request":
        return pl.col("request_cluster")
    if method == "near":
        return pl.format("nr_{}", "near")
    oldest = pl.coalesce("transcript", "request").min().over("part")
    return pl.coalesce(
        pl.format("dp_{}_{}_{}", oldest, "skeleton", "resolution"),  # all of it took these steps
        pl.format("dp_{}_{}", oldest, "resolution"),
        pl.format("dp_{}", "episode_id"),
    )


def _equal(column: str) -> pl.Expr:
    """As the representative has it."""
    return (pl.col(column) == pl.col(column).first().over("cluster_id")).fill_null(False)


def _similarity(method: str) -> pl.Expr:
    """To the representative where they are equal, else the strongest tie to one of the cluster."""
    if method != "duplicate":
        return pl.lit(1.0) if method == "request" else pl.lit(None, pl.Float64)
    return (
        pl.when(pl.col("same_transcript")).then(1.0)
        .when(pl.col("near_transcript")).then(pl.col("transcript_tie"))
        .when(pl.col("same_request")).then(1.0)
        .otherwise(pl.coalesce("request_tie", "transcript_tie", pl.lit(1.0)))
    )  # fmt: skip


def _settle_clusters(tx: Transaction, project: str, method: str, rows: pl.DataFrame) -> None:
    columns = rows.select(
        "cluster_id", "episode_id", "representative", "similarity", "rank", "weight",
        project=pl.lit(project), method=pl.lit(method),
    )  # fmt: skip
    ledger.gathered(tx, project, method, arrow(columns))


def _settle_decisions(tx: Transaction, project: str, rows: pl.DataFrame, now: datetime) -> None:
    first, alone = pl.col("representative"), pl.col("size") == 1
    decided = rows.select(
        "episode_id",
        project=pl.lit(project),
        step=pl.lit(STEP),
        version=pl.lit(VERSION),
        kept=first,
        reason=pl.when(alone).then(pl.lit("unique"))
        .when(first).then(pl.lit("representative")).otherwise(pl.lit("duplicate")),
        because_of=pl.when(~first).then("of"),
        similarity=pl.when(~first).then("similarity"),
        at=utc(now),
    )  # fmt: skip
    ledger.decided(tx, project, STEP, arrow(decided))


def _result(found: pl.DataFrame, duplicates: pl.DataFrame) -> StepResult:
    kept = int(duplicates["representative"].sum())
    dropped = len(duplicates) - kept
    return StepResult(
        step=STEP,
        seen=len(found),
        kept=kept,
        dropped={"duplicate": dropped} if dropped else {},
        notes={
            "requests": found["request_cluster"].n_unique(),
            "largest": int(duplicates["size"].max() or 0),  # type: ignore[arg-type]
        },
    )
