"""Clusters that keep their names: the oldest unit of a component names it, whatever came when."""

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from headrace.lake.statement import statements
from headrace.lake.store import Transaction

Ids = NDArray[np.int64]

NO_EDGES: Ids = np.empty((0, 2), dtype=np.int64)


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """Clusters that became part of an older one: `old[i]` is now `new[i]`; `old` ascends."""

    old: Ids
    new: Ids


class Clusters:
    """The clusters of a project's units by one method; a unit without a row is one by itself."""

    def __init__(self, tx: Transaction, project: str, method: str) -> None:
        self._tx = tx
        self._given = {"project": project, "method": method}

    def of(self, ids: Ids) -> Ids:
        """The clusters of units, in the shape given."""
        units, places = np.unique(ids, return_inverse=True)
        found = self._run("clusters_of", wanted=pa.table({"unit_id": units}))
        clusters = units.copy()
        clusters[np.searchsorted(units, found["unit_id"].to_numpy())] = found["cluster_id"]
        named: Ids = clusters[places].reshape(ids.shape)
        return named

    def join(self, edges: Ids) -> Renamed:
        """Write what edges (m x 2 unit ids) join, and tell what that renamed.

        Edges in any order and in any parts give the same clusters, as a component is named by
        its least unit.
        """
        renamed = relabel(self.of(edges))
        if len(renamed.old):
            table = {"renamed": pa.table({"old": renamed.old, "new": renamed.new})}
            moved = self._run("members_of_renamed", **table)
            oldest = pa.table({"unit_id": renamed.old, "cluster_id": renamed.new})
            self._run("forget_renamed", **table)
            self._run("store_members", member=pa.concat_tables([moved, oldest]))
        return renamed

    def _run(self, name: str, **tables: pa.Table) -> pa.Table:
        return self._tx.table(statements(__package__, "near.sql")[name], self._given, tables)


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
