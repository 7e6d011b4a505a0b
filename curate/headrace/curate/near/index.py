"""The near-duplicate step: stored signatures and new units in, edges and renamed clusters out."""

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import msgspec
import numpy as np
import polars as pl

from headrace.curate import unit
from headrace.curate.errors import UnitOrderError
from headrace.curate.near import edge, minhash
from headrace.curate.near.label import Ids, Labels, Renamed
from headrace.curate.near.minhash import Signatures
from headrace.curate.near.recipe import LEAST_WORDS, NEAR, THRESHOLDS, Recipe
from headrace.curate.near.shingle import shingles

HOT = 1_000  # units in one bucket: a template


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What new units brought."""

    new: int  # units that were not there
    signed: int  # of these long enough for a near step
    candidates: int
    edges: pl.DataFrame  # a (the older), b, score
    renamed: Mapping[str, Renamed]  # by method: near, dup
    templates: pl.DataFrame  # band, key, oldest, units


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier nights left: every unit, the signatures of those long enough, their edges."""

    units: Ids
    signed: Ids
    signatures: Signatures
    edges: pl.DataFrame


class Index:
    """The units of one kind and one project; ids ascend in the order of arrival.

    `connection` holds the caches in temporary tables. Nights in sequence, or all at once, give
    the same edges and the same clusters; units that are there already add nothing.
    """

    def __init__(self, recipe: Recipe, connection: duckdb.DuckDBPyConnection) -> None:
        self.recipe = recipe
        self.labels = {method: Labels.alone([]) for method in THRESHOLDS}
        self._shelf = edge.Shelf(connection, recipe)

    @classmethod
    def restored(
        cls, recipe: Recipe, connection: duckdb.DuckDBPyConnection, stored: Stored
    ) -> "Index":
        """As it was; bands are made from signatures, clusters from edges."""
        index = cls(recipe, connection)
        keys = minhash.band_keys(stored.signatures, recipe)
        index._shelf.store(stored.signed, stored.signatures, edge.band_rows(stored.signed, keys))
        index._relabel(stored.units, stored.edges)
        return index

    def add(self, texts: Mapping[int, str]) -> Night:
        """Take units by id, each text unique, normalised and masked.

        Raises UnitOrderError where a new id is lower than a stored one: clusters are named by
        their oldest unit, and an older one that comes late would rename them.
        """
        new = self._new(texts)
        words = {name: unit.words(texts[name]) for name in new}
        long = [name for name in new if len(words[name]) >= LEAST_WORDS]
        ids = np.array(long, dtype=np.int64)
        signed = minhash.signatures(
            shingles([words[name] for name in long], self.recipe.gram), self.recipe
        )
        bands = edge.band_rows(ids, minhash.band_keys(signed, self.recipe))
        pairs = self._shelf.candidates(bands)
        edges = self._verified(pairs, ids, signed)
        self._shelf.store(ids, signed, bands)
        return Night(
            new=len(new),
            signed=len(ids),
            candidates=len(pairs),
            edges=edges,
            renamed=self._relabel(np.array(new, dtype=np.int64), edges),
            templates=self._shelf.templates(bands, HOT),
        )

    def signatures(self, ids: Ids) -> tuple[Ids, Signatures]:
        """The stored signatures of those of these units that have one, by ascending id."""
        return self._shelf.signatures(ids)

    def clusters(self, method: str) -> dict[int, int]:
        """The cluster of each unit: the id of its oldest."""
        labels = self.labels[method]
        return dict(zip(labels.ids.tolist(), labels.clusters.tolist(), strict=True))

    def _new(self, texts: Iterable[int]) -> Sequence[int]:
        known = self.labels["near"].ids
        new = np.setdiff1d(np.fromiter(texts, dtype=np.int64), known).tolist()
        if new and len(known) and new[0] < known[-1]:
            raise UnitOrderError(
                f"unit {new[0]} is new but lower than the stored unit {known[-1]}: number units "
                "in the order in which they arrive, or build the index anew from all of them"
            )
        return list(new)

    def _verified(self, pairs: Ids, ids: Ids, signed: Signatures) -> pl.DataFrame:
        earlier = np.setdiff1d(pairs, ids)
        older, theirs = self._shelf.signatures(earlier)
        every = np.concatenate((older, ids)), np.concatenate((theirs, signed))
        return edge.verified(pairs, *every, NEAR)

    def _relabel(self, units: Ids, edges: pl.DataFrame) -> dict[str, Renamed]:
        renamed = {}
        for method, least in THRESHOLDS.items():
            grown = self.labels[method].grown(units)
            self.labels[method], renamed[method] = grown.joined(edge.pairs_of(edges, least))
        return renamed
