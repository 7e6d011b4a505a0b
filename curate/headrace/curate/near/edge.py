"""Edges between units that resemble each other: from bands to verified pairs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.curate.near import minhash
from headrace.curate.near.label import Ids
from headrace.curate.near.minhash import Keys, Signatures
from headrace.curate.near.recipe import Recipe
from headrace.lake.statement import statements
from headrace.lake.store import Transaction

EDGE = pl.Schema({"a": pl.Int64(), "b": pl.Int64(), "score": pl.Float64()})  # a is the older


class Shelf:
    """The signatures, bands and edges of one project and recipe, as the lake keeps them."""

    def __init__(self, tx: Transaction, project: str, recipe: Recipe) -> None:
        self._tx = tx
        self._given = {"project": project, "algo": recipe.algo}
        self._slots = recipe.slots

    @property
    def youngest(self) -> int | None:
        """The last unit that was signed."""
        youngest: int | None = self._run("youngest")["max(unit_id)"][0].as_py()
        return youngest

    def candidates(self, bands: pl.DataFrame) -> Ids:
        """Pairs (older, younger) that share a band: new with new, new with stored."""
        found = self._run("candidates", new_band=bands.to_arrow())
        return _pairs(pl.DataFrame(found))

    def templates(self, bands: pl.DataFrame, most: int) -> pl.DataFrame:
        """The buckets of these bands (stored before) with more than so many units."""
        return pl.DataFrame(self._run("templates", {"most": most}, new_band=bands.to_arrow()))

    def signatures(self, ids: Ids) -> tuple[Ids, Signatures]:
        """Those of the units that are stored, by ascending id."""
        found = self._run("stored_signatures", wanted=pa.table({"unit_id": ids}))
        units = found["unit_id"].to_numpy()
        raw = b"".join(found["signature"].to_pylist())
        signed = np.frombuffer(raw, dtype="<u4").reshape(len(units), self._slots)
        order = np.argsort(units)
        return units[order], signed[order]

    def store(self, ids: Ids, signed: Signatures, bands: pl.DataFrame) -> None:
        """Keep new units, so that later ones find them."""
        self._run("store_signatures", new_signature=_rows(ids, signed))
        self._run("store_bands", new_band=bands.to_arrow())

    def store_edges(self, edges: pl.DataFrame, at: datetime) -> None:
        self._run("store_edges", {"at": at}, new_edge=edges.to_arrow())

    def _run(
        self, name: str, more: Mapping[str, object] | None = None, **tables: pa.Table
    ) -> pa.Table:
        sql = statements(__package__, "near.sql")[name]
        return self._tx.table(sql, {**self._given, **(more or {})}, tables)


def band_rows(ids: Ids, keys: Keys) -> pl.DataFrame:
    """One row a unit and band: `band`, `key`, `unit_id`.

    The bits of a key are read as a signed number: not every engine has unsigned ones.
    """
    bands = keys.shape[1]
    return pl.DataFrame(
        {
            "band": np.tile(np.arange(bands, dtype=np.int8), len(ids)),
            "key": keys.view(np.int64).ravel(),
            "unit_id": np.repeat(ids, bands),
        }
    )


def verified(pairs: Ids, ids: Ids, signed: Signatures, least: float) -> pl.DataFrame:
    """The pairs whose signatures share at least this part, with that score; `ids` ascend."""
    one, other = np.searchsorted(ids, pairs).T
    share = minhash.scores(signed, one, other)
    kept = share >= least
    columns: Sequence[np.ndarray] = (pairs[kept, 0], pairs[kept, 1], share[kept])
    return pl.DataFrame(dict(zip(EDGE, columns, strict=True)), schema=EDGE)


def pairs_of(edges: pl.DataFrame, least: float) -> Ids:
    """The ends of the edges with at least this score."""
    return _pairs(edges.filter(pl.col("score") >= least))


def _pairs(rows: pl.DataFrame) -> Ids:
    return rows.select(pl.col("a", "b").cast(pl.Int64)).to_numpy().astype(np.int64).reshape(-1, 2)


def _rows(ids: Ids, signed: Signatures) -> pa.Table:
    """Signatures as blobs without a copy of each."""
    raw = np.ascontiguousarray(signed.astype("<u4", copy=False))
    kind = pa.binary(raw.shape[1] * 4)
    blobs = pa.Array.from_buffers(kind, len(ids), [None, pa.py_buffer(raw)])
    return pa.table({"unit_id": ids, "signature": blobs.cast(pa.binary())})
