"""The near-duplicate step: new units in, edges and renamed clusters out, all in the lake."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl

from headrace.curate import unit
from headrace.curate.errors import UnitOrderError
from headrace.curate.near import edge, minhash
from headrace.curate.near.edge import Shelf
from headrace.curate.near.label import Clusters, Ids, Renamed
from headrace.curate.near.minhash import Signatures
from headrace.curate.near.recipe import LEAST_WORDS, NEAR, THRESHOLDS, Recipe
from headrace.curate.near.shingle import Words, shingles
from headrace.lake.store import Transaction

HOT = 1_000  # units in one bucket: a template

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Signed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Units that are long enough for a near step, by ascending id, with their signatures."""

    ids: Ids
    signatures: Signatures


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What new units brought."""

    signed: int
    candidates: int
    edges: pl.DataFrame  # a (the older), b, score
    renamed: Mapping[str, Renamed]  # by method: near, dup
    templates: pl.DataFrame  # band, key, oldest, units


def signatures_of(texts: Sequence[str], recipe: Recipe) -> tuple[list[int], Signatures]:
    """The places of the texts that are long enough, and their signatures; texts are masked."""
    words = Words.of(map(unit.spaced, texts))
    long = np.flatnonzero(words.counts >= LEAST_WORDS)
    return long.tolist(), minhash.signatures(shingles(words.at(long), recipe.gram), recipe)


class Index:
    """The units of one kind and one project; ids ascend in the order of arrival.

    Lives in one transaction. Nights in sequence, or all at once, give the same edges and the same
    clusters.
    """

    def __init__(self, recipe: Recipe, tx: Transaction, project: str) -> None:
        self._recipe = recipe
        self._shelf = Shelf(tx, project, recipe)
        self._clusters = {method: Clusters(tx, project, method) for method in THRESHOLDS}

    def add(self, new: Signed, at: datetime = _START) -> Night:
        """Take new units.

        Raises UnitOrderError where one is lower than a stored one: clusters are named by their
        oldest unit, and an older one that comes late would rename them.
        """
        self._check(new.ids)
        keys = minhash.band_keys(new.signatures, self._recipe)
        bands = edge.band_rows(new.ids, keys)
        pairs = self._shelf.candidates(bands)
        edges = self._verified(pairs, new)
        self._shelf.store(new.ids, new.signatures, bands)
        self._shelf.store_edges(edges, at)
        return Night(
            signed=len(new.ids),
            candidates=len(pairs),
            edges=edges,
            renamed={
                method: self._clusters[method].join(edge.pairs_of(edges, least))
                for method, least in THRESHOLDS.items()
            },
            templates=self._shelf.templates(bands, HOT),
        )

    def _check(self, new: Ids) -> None:
        youngest = self._shelf.youngest
        if len(new) and youngest is not None and new[0] <= youngest:
            raise UnitOrderError(
                f"unit {new[0]} is new but not above the stored unit {youngest}: number units "
                "in the order in which they arrive, or build the index anew from all of them"
            )

    def _verified(self, pairs: Ids, new: Signed) -> pl.DataFrame:
        earlier = np.setdiff1d(pairs, new.ids)
        if not len(earlier):
            return edge.verified(pairs, new.ids, new.signatures, NEAR)
        older, theirs = self._shelf.signatures(earlier)
        every = np.concatenate((older, new.ids)), np.concatenate((theirs, new.signatures))
        return edge.verified(pairs, *every, NEAR)
