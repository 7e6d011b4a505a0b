"""Intents are few, none too wide, and the same whoever counts them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.intents import cluster
from headrace.curate.intents.cluster import FEWEST, NEAR, WIDEST, middles, nearest
from headrace.curate.semantic.encoder import Vectors


def asked(seed: int, meanings: int, each: int, spread: float = 0.4) -> tuple[Vectors, np.ndarray]:
    """So many meanings, far from each other, each asked in so many ways; and which is which."""
    chance = np.random.default_rng(seed)
    truth = np.repeat(np.arange(meanings), each)
    centres = np.linalg.qr(chance.normal(size=(48, meanings)))[0].T
    rows = centres[truth] + chance.normal(size=(len(truth), 48)) * spread / 48**0.5
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32), truth


def test_meanings_that_lie_apart_are_found() -> None:
    vectors, truth = asked(1, 7, 12)
    found = middles(vectors, np.ones(len(vectors), dtype=np.int64))
    places = nearest(vectors, found).places
    assert len(found) == 7
    assert len({(a, b) for a, b in zip(places.tolist(), truth.tolist(), strict=True)}) == 7
    assert (places >= 0).all()


def test_those_with_most_traffic_come_first_and_rare_ones_are_none() -> None:
    vectors, truth = asked(2, 4, 2)
    episodes = np.array([1, 0, 9, 9, 2, 2, 30, 30])[np.argsort(truth, kind="stable")]
    found = middles(vectors, episodes)
    counts = nearest(vectors, found).of(len(found), episodes)
    assert counts.tolist() == [60, 18, 4]
    assert counts.min() >= FEWEST


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_no_middle_has_a_member_that_is_unlike(seed: int, count: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, 6))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = rows.astype(np.float16).astype(np.float32)
    labels = cluster._labels(vectors, np.ones(count))
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    together = labels[:, None] == labels[None, :]
    assert cosines[together].min() >= WIDEST - 1e-3
    near = nearest(vectors, middles(vectors, np.full(count, FEWEST)))
    assert (near.cosines[near.places >= 0] >= NEAR).all()


def test_the_same_requests_give_the_same_middles() -> None:
    vectors, _ = asked(3, 5, 20, spread=1.0)
    episodes = np.arange(1, 101)
    assert np.array_equal(middles(vectors, episodes), middles(vectors, episodes))


def test_a_part_is_placed_as_the_whole_is() -> None:
    vectors, _ = asked(4, 6, 30, spread=1.5)
    found = middles(vectors, np.ones(len(vectors), dtype=np.int64))
    whole = nearest(vectors, found).places.tolist()
    parts = [nearest(vectors[i : i + 7], found).places.tolist() for i in range(0, len(vectors), 7)]
    assert [place for part in parts for place in part] == whole


def test_very_many_requests_are_grained_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "GRAINS", 30)
    vectors, truth = asked(5, 5, 60)
    found = middles(vectors, np.ones(len(vectors), dtype=np.int64))
    places = nearest(vectors, found).places
    assert len(found) == 5
    assert len({(a, b) for a, b in zip(places.tolist(), truth.tolist(), strict=True)}) == 5


def test_of_more_than_can_be_compared_those_with_most_traffic_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "GRAINS", 3)
    vectors, truth = asked(6, 5, 4)
    found = middles(vectors, np.where(truth >= 2, 50, 1))
    places = nearest(vectors, found).places
    assert len(found) == 3
    assert (places >= 0).tolist() == (truth >= 2).tolist()


def test_of_nothing_there_is_nothing() -> None:
    none = np.empty((0, 8), np.float32)
    assert len(middles(none, np.empty(0, dtype=np.int64))) == 0
    assert nearest(none, none).places.tolist() == []
    assert nearest(asked(1, 2, 2)[0], none).places.tolist() == [-1] * 4
