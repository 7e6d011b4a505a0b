"""The vectors of a project's requests in the lake, where a recipe keeps to itself."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate.near.label import Ids
from headrace.curate.near.recipe import DUPLICATE
from headrace.curate.semantic.encoder import Vectors
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction


class Kin(msgspec.Struct, frozen=True, kw_only=True):
    """Whose vector a request has: `ids[i]` (ascending) that of `sources[i]`, mostly its own.

    A near-duplicate has that of the oldest text that was there when it came and that it repeats;
    it keeps it whatever comes later, so that it does not matter in which night something came.
    """

    ids: Ids
    sources: Ids

    @classmethod
    def of(cls, lake: Lake, project: str) -> "Kin":
        rows = lake.table(_sql("requests"), {"project": project, "least": DUPLICATE})
        ids = np.asarray(rows["unit_id"], dtype=np.int64)
        repeats = np.asarray(rows["repeats"], dtype=np.int64)
        at = np.searchsorted(ids, repeats)
        while not np.array_equal(further := at[at], at):  # an older one may repeat another
            at = further
        return cls(ids=ids, sources=ids[at])

    def source(self, ids: Ids) -> Ids:
        """Of requests that are there."""
        found: Ids = self.sources[np.searchsorted(self.ids, ids)]
        return found


def asked(lake: Lake, project: str) -> Ids:
    """The requests of episodes, in the words of users, ascending."""
    found = lake.table(_sql("asked"), {"project": project})
    return np.asarray(found["unit_id"], dtype=np.int64)


def missing(lake: Lake, project: str, recipe: str, units: Ids) -> Ids:
    """Those without a vector, ascending."""
    given = {"project": project, "recipe": recipe}
    found = lake.table(_sql("missing_vectors"), given, {"wanted": _wanted(units)})
    return np.asarray(found["unit_id"], dtype=np.int64)


def texts(lake: Lake, project: str, units: Ids) -> tuple[list[str], list[str]]:
    """Hashes and texts, in the order of the units, which ascend."""
    found = lake.table(_sql("texts"), {"project": project}, {"wanted": _wanted(units)})
    return found["text_hash"].to_pylist(), found["text"].to_pylist()


def vectors(lake: Lake, project: str, recipe: str, units: Ids) -> tuple[Ids, Vectors]:
    """Those of the units that have one, by ascending id."""
    given = {"project": project, "recipe": recipe}
    found = lake.table(_sql("vectors"), given, {"wanted": _wanted(units)})
    ids = np.asarray(found["unit_id"], dtype=np.int64)
    return ids, matrix(found["vector"])


def matrix(column: pa.ChunkedArray) -> Vectors:
    """A column of vectors, a row each."""
    if not len(column):
        return np.empty((0, 0), dtype=np.float32)
    flat: Vectors = np.asarray(column.combine_chunks().flatten(), dtype=np.float32)
    return flat.reshape(len(column), -1)


def store(tx: Transaction, recipe: str, hashes: Sequence[str], rows: Vectors) -> None:
    """Keep vectors; where another project has embedded the same text meanwhile, its own stands."""
    if not hashes:
        return
    size = rows.shape[1]
    offsets = pa.array(np.arange(0, (len(rows) + 1) * size, size, dtype=np.int32))
    held = pa.ListArray.from_arrays(offsets, pa.array(rows.ravel(), pa.float32()))
    batch = pa.table({"text_hash": pa.array(hashes, pa.string()), "vector": held})
    tx.run(_sql("store_vectors"), {"recipe": recipe}, {"batch": batch})


def _wanted(units: Ids) -> pa.Table:
    return pa.table({"unit_id": pc.unique(pa.array(units, pa.int64()))})


def _sql(name: str) -> str:
    return statements("headrace.curate.semantic", "shelf.sql")[name]
