"""Clusters that keep their names: the oldest unit of a component names it, whatever came when."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ids = NDArray[np.int64]

NO_EDGES: Ids = np.empty((0, 2), dtype=np.int64)


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """Clusters that became part of an older one: `old[i]` is now `new[i]`; `old` ascends."""

    old: Ids
    new: Ids

    def of(self, clusters: Ids) -> Ids:
        """The clusters under their new names."""
        if not len(self.old):
            return clusters
        at = np.minimum(np.searchsorted(self.old, clusters), len(self.old) - 1)
        return np.where(self.old[at] == clusters, self.new[at], clusters)


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """Unit `ids[i]` (ascending, age order) is in cluster `clusters[i]`."""

    ids: Ids
    clusters: Ids

    @classmethod
    def alone(cls, ids: Sequence[int] | Ids) -> "Labels":
        """Every unit as a cluster of its own."""
        own = np.unique(np.asarray(ids, dtype=np.int64))
        return cls(ids=own, clusters=own)

    def grown(self, ids: Ids) -> "Labels":
        """With units that were not there yet, each a cluster of its own."""
        fresh = np.setdiff1d(ids, self.ids)
        order = np.argsort(every := np.concatenate((self.ids, fresh)))
        return Labels(ids=every[order], clusters=np.concatenate((self.clusters, fresh))[order])

    def of(self, ids: Ids) -> Ids:
        """The clusters of units, of which each is there; in the shape given."""
        found: Ids = self.clusters[np.searchsorted(self.ids, ids)]
        return found

    def joined(self, edges: Ids) -> tuple["Labels", Renamed]:
        """After edges (m x 2 unit ids), and what that renamed.

        Edges in any order and in any parts give the same clusters, as a component is named by
        its least unit.
        """
        renamed = relabel(self.of(edges))
        return Labels(ids=self.ids, clusters=renamed.of(self.clusters)), renamed


def relabel(ends: Ids) -> Renamed:
    """What edges between clusters (m x 2 cluster ids) rename: only those touched are looked at."""
    if not len(ends):
        return Renamed(old=NO_EDGES[:, 0], new=NO_EDGES[:, 0])
    old, places = np.unique(ends, return_inverse=True)
    one, other = places.reshape(-1, 2).T
    joined = np.ones(len(one), dtype=np.int8)
    graph = coo_matrix((joined, (one, other)), shape=(len(old), len(old)))
    _, part = connected_components(graph, directed=False)
    _, first = np.unique(part, return_index=True)  # `old` ascends: the first is the oldest
    new = old[first][part]
    moved = old != new
    return Renamed(old=old[moved], new=new[moved])
