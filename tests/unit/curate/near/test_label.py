"""Clusters keep their names: whatever order edges come in, the oldest unit names its component."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.near.label import NO_EDGES, Ids, Labels, relabel

EDGES = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=60)


def array(edges: list[tuple[int, int]]) -> Ids:
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def oldest(edges: list[tuple[int, int]], count: int) -> list[int]:
    """The least member of each unit's component, by walking until nothing changes."""
    found = list(range(count))
    for _ in range(count):
        for a, b in edges:
            found[a] = found[b] = min(found[a], found[b])
    return found


@given(EDGES, st.randoms(use_true_random=False), st.integers(1, 7))
def test_edges_in_any_order_and_any_nights_give_the_clusters_of_one_batch(
    edges: list[tuple[int, int]], random: Random, nights: int
) -> None:
    labels = Labels.alone(range(40))
    batch, _ = labels.joined(array(edges))
    assert batch.clusters.tolist() == oldest(edges, 40)
    random.shuffle(edges)
    for night in range(nights):
        labels, _ = labels.joined(array(edges[night::nights]))
    assert labels.clusters.tolist() == batch.clusters.tolist()


@given(EDGES, EDGES)
def test_what_was_renamed_tells_the_whole_change(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    before, _ = Labels.alone(range(40)).joined(array(one))
    after, renamed = before.joined(array(other))
    assert renamed.of(before.clusters).tolist() == after.clusters.tolist()
    assert (renamed.new < renamed.old).all()
    assert after.joined(array(other))[1].old.tolist() == []


def test_no_edges_rename_nothing() -> None:
    assert relabel(NO_EDGES).old.tolist() == []


def test_new_units_are_alone_and_known_ones_stay() -> None:
    labels, _ = Labels.alone([5, 3, 9]).joined(array([(9, 3)]))
    grown = labels.grown(np.array([9, 12, 4]))
    assert grown.ids.tolist() == [3, 4, 5, 9, 12]
    assert grown.clusters.tolist() == [3, 4, 5, 3, 12]


def test_an_event_names_the_cluster_that_is_gone() -> None:
    labels, _ = Labels.alone(range(6)).joined(array([(2, 5), (1, 4)]))
    _, renamed = labels.joined(array([(5, 4)]))
    assert (renamed.old.tolist(), renamed.new.tolist()) == ([2], [1])
