"""Edges between units that resemble each other: from bands to verified pairs."""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from headrace.curate.near import minhash
from headrace.curate.near.label import Ids
from headrace.curate.near.minhash import Keys, Signatures
from headrace.curate.near.recipe import Recipe
from headrace.lake.statement import statements

EDGE = pl.Schema({"a": pl.Int64(), "b": pl.Int64(), "score": pl.Float64()})  # a is the older


class Shelf:
    """The signatures and bands of one recipe in tables of a connection; one project each.

    Both are caches: they can be made again from the texts.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> None:
        self._sql = statements(__package__, "near.sql")
        self._connection = connection
        self._algo = recipe.algo
        self._slots = recipe.slots
        connection.execute(self._sql["lay"])

    def candidates(self, bands: pl.DataFrame) -> Ids:
        """Pairs (older, younger) that share a band: new with new, new with stored."""
        return _pairs(self._run("candidates", new_band=bands.to_arrow()).pl())

    def templates(self, bands: pl.DataFrame, most: int) -> pl.DataFrame:
        """The buckets of these bands (stored before) with more than so many units."""
        found = self._run("templates", {"most": most}, new_band=bands.to_arrow())
        return found.pl()

    def signatures(self, ids: Ids) -> tuple[Ids, Signatures]:
        """Those of the units that are stored, by ascending id."""
        wanted = pa.table({"unit_id": ids})
        found = self._run("stored_signatures", wanted=wanted).to_arrow_table()
        units = found["unit_id"].to_numpy()
        raw = b"".join(found["sig"].to_pylist())
        signed = np.frombuffer(raw, dtype="<u4").reshape(len(units), self._slots)
        order = np.argsort(units)
        return units[order], signed[order]

    def store(self, ids: Ids, signed: Signatures, bands: pl.DataFrame) -> None:
        """Keep new units, so that later ones find them."""
        self._run("store_signatures", new_sig=_rows(ids, signed))
        self._run("store_bands", new_band=bands.to_arrow())

    def _run(
        self, name: str, given: Mapping[str, int] | None = None, **tables: pa.Table
    ) -> duckdb.DuckDBPyConnection:
        for table, rows in tables.items():
            self._connection.register(table, rows)
        return self._connection.execute(self._sql[name], {"algo": self._algo, **(given or {})})


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
    return pa.table({"unit_id": ids, "sig": blobs.cast(pa.binary())})
