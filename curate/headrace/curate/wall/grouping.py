"""Groups of a project in columns: who belongs together, which stored group wins, who is set apart.

A frame of members has a row an episode, in order of arrival: `n` numbers the rows, `group_id` is
the group that the episode is stored in, null for a new one.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from headrace.lake.record import Split

# When a merge joins groups of different splits: what measures is protected from what trains.
STRENGTH: Mapping[Split, int] = {"eval": 0, "test": 1, "train": 2}


class Standing(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Members with the group that each belongs to from now on.

    Columns beside those of the members: `home`, the group that wins its component, null where none
    is stored; `oldest`, the episode that names a new one; `apart`, the episode because of which a
    member of another side is quarantined.
    """

    members: pl.DataFrame
    merged: pl.DataFrame  # old_id, new_id: groups that were joined, whatever their sides


def components(count: int, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The component of each of `count` rows; `rows[i]` holds the key `keys[i]`."""
    held, codes = np.unique(keys, return_inverse=True)
    nodes = count + len(held)
    ends = (rows, count + codes)
    graph = coo_matrix((np.ones(len(rows), np.int8), ends), shape=(nodes, nodes))
    _, part = connected_components(graph, directed=False)
    return part[:count].astype(np.int64)


def standing(members: pl.DataFrame, groups: pl.DataFrame) -> Standing:
    """Members (with their `part`) in the groups that they belong to.

    `groups` are those stored: `group_id`, `split`, `at`. In a component the group of the strongest
    split wins, then the oldest; groups of its split join it, those of others stand apart.
    """
    ranked = _ranked(members, groups)
    homes = ranked.group_by("part", maintain_order=True).first()
    home = homes.select("part", home="group_id", home_split="split", winner="first")
    told = members.join(groups.select("group_id", "split"), on="group_id", how="left")
    told = told.join(home, on="part", how="left", maintain_order="left")
    other = pl.col("split").is_not_null() & (pl.col("split") != pl.col("home_split"))
    return Standing(
        members=told.with_columns(
            oldest=pl.col("episode_id").first().over("part"),
            apart=pl.when(other).then("winner"),
            home=pl.when(other).then("group_id").otherwise("home"),
        ),
        merged=ranked.join(home, on="part").filter(pl.col("group_id") != pl.col("home"))
        .select(old_id="group_id", new_id="home").sort("old_id", "new_id"),
    )  # fmt: skip


def _ranked(members: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The stored groups of each component, the winner first; `first` is their oldest member."""
    found = members.drop_nulls("group_id").group_by("part", "group_id", maintain_order=True)
    stored = found.agg(pl.col("n").first(), first=pl.col("episode_id").first())
    strength = pl.col("split").replace_strict(STRENGTH, return_dtype=pl.Int64)
    return stored.join(groups, on="group_id").sort("part", strength, "at", "n")
