"""Clusters keep their names: whatever order edges come in, the oldest unit names its component."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from random import Random

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.near.label import NO_EDGES, Clusters, Ids, relabel
from headrace.lake.store import Transaction

COUNT = 40
EVERY = np.arange(COUNT)
EDGES = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=60)
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute((files("headrace.lake") / "schema.sql").read_text("utf-8"))
        yield connection


@contextmanager
def fresh(engine: duckdb.DuckDBPyConnection) -> Iterator[Clusters]:
    """The clusters of a project that has none yet."""
    engine.execute("begin")
    try:
        yield Clusters(Transaction(engine, {}), "p", "near")
    finally:
        engine.execute("rollback")


def array(edges: list[tuple[int, int]]) -> Ids:
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


def oldest(edges: list[tuple[int, int]], count: int) -> list[int]:
    """The least member of each unit's component, by walking until nothing changes."""
    found = list(range(count))
    for _ in range(count):
        for a, b in edges:
            found[a] = found[b] = min(found[a], found[b])
    return found


@FEW
@given(EDGES, st.randoms(use_true_random=False), st.integers(1, 7))
def test_edges_in_any_order_and_any_nights_give_the_clusters_of_one_batch(
    engine: duckdb.DuckDBPyConnection, edges: list[tuple[int, int]], random: Random, nights: int
) -> None:
    wanted = oldest(edges, COUNT)
    with fresh(engine) as clusters:
        clusters.join(array(edges))
        assert clusters.of(EVERY).tolist() == wanted
    random.shuffle(edges)
    with fresh(engine) as clusters:
        for night in range(nights):
            clusters.join(array(edges[night::nights]))
        assert clusters.of(EVERY).tolist() == wanted


@FEW
@given(EDGES, EDGES)
def test_what_was_renamed_tells_the_whole_change(
    engine: duckdb.DuckDBPyConnection, one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    with fresh(engine) as clusters:
        clusters.join(array(one))
        before = clusters.of(EVERY).tolist()
        renamed = clusters.join(array(other))
        names = dict(zip(renamed.old.tolist(), renamed.new.tolist(), strict=True))
        assert [names.get(name, name) for name in before] == clusters.of(EVERY).tolist()
        assert (renamed.new < renamed.old).all()
        assert clusters.join(array(other)).old.tolist() == []


def test_no_edges_rename_nothing() -> None:
    assert relabel(NO_EDGES).old.tolist() == []


def test_an_event_names_the_cluster_that_is_gone(engine: duckdb.DuckDBPyConnection) -> None:
    with fresh(engine) as clusters:
        clusters.join(array([(2, 5), (1, 4)]))
        renamed = clusters.join(array([(5, 4)]))
    assert (renamed.old.tolist(), renamed.new.tolist()) == ([2], [1])


def test_a_project_and_a_method_know_nothing_of_others(engine: duckdb.DuckDBPyConnection) -> None:
    with fresh(engine) as clusters:
        clusters.join(array([(1, 2)]))
        tx = Transaction(engine, {})
        for other in (Clusters(tx, "q", "near"), Clusters(tx, "p", "dup")):
            assert other.of(np.array([1, 2])).tolist() == [1, 2]
