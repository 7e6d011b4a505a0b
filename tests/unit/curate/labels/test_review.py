from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.labels.review import Candidate, Pick, picks


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def candidate(name: str, success: float | None = 0.99, **fields: Any) -> Candidate:
    return Candidate(episode_id=name, success=success, **{"duplicates": f"own-{name}", **fields})


def plenty(count: int = 400) -> list[Candidate]:
    """Every fourth has a judge against its outcome."""
    return [
        candidate(f"{i:04d}", success=i / count, judge=1, outcome=int(i % 4 != 0))
        for i in range(count)
    ]


FAILED = [f"{i:04d}" for i in range(1, 400, 8)]


def test_a_queue_has_its_shares() -> None:
    found = picks(plenty(), 100, medoids=FAILED, generator=generator())
    assert Counter(pick.stratum for pick in found) == {
        "uncertainty": 40, "random": 25, "disagreement": 20, "medoid": 15,
    }  # fmt: skip


def test_only_the_even_sample_has_a_chance_and_it_is_exact() -> None:
    found = picks(plenty(), 100, medoids=FAILED, generator=generator())
    chances = {pick.stratum: pick.selection_probability for pick in found}
    assert chances == {
        "random": 25 / 400,
        "uncertainty": None,
        "disagreement": None,
        "medoid": None,
    }


def test_stored_chances_are_how_often_each_is_drawn() -> None:
    pool = [candidate(name, duplicates="many") for name in "abc"]
    pool += [candidate(name) for name in "de"]
    random, drawn = generator(), Counter[str]()
    stored: dict[str, float | None] = {}
    for _ in range(4_000):
        found = picks(pool, 4, medoids=[], generator=random)
        [pick] = [pick for pick in found if pick.stratum == "random"]
        drawn[pick.episode_id] += 1
        stored[pick.episode_id] = pick.selection_probability
    assert stored == pytest.approx({"a": 1 / 9, "b": 1 / 9, "c": 1 / 9, "d": 1 / 3, "e": 1 / 3})
    for name, count in drawn.items():
        assert count / 4_000 == pytest.approx(stored[name], abs=0.03)


def test_uncertainty_takes_the_nearest_to_a_toss_up() -> None:
    pool = [candidate("sure", 0.02), candidate("half", 0.5), candidate("some", 0.7)]
    pool += [candidate("none", None)]
    found = picks(pool, 4, medoids=[], generator=generator())
    order = [pick.episode_id for pick in found if pick.stratum == "uncertainty"]
    assert order == [name for name in ["half", "some", "sure", "none"] if name in order]


def test_disagreement_needs_both_a_judge_and_an_outcome() -> None:
    pool = [candidate(f"{i:03d}", judge=1, outcome=None) for i in range(50)]
    pool += [candidate("other", judge=0, outcome=1)]
    found = picks(pool, 20, medoids=[], generator=generator(3))
    names = [pick.episode_id for pick in found if pick.stratum == "disagreement"]
    assert names == ["other"]


def test_what_cannot_be_filled_goes_to_uncertainty() -> None:
    pool = [candidate(f"{i:03d}", i / 100) for i in range(100)]
    found = picks(pool, 40, medoids=["unknown"], generator=generator())
    assert Counter(pick.stratum for pick in found) == {"random": 10, "uncertainty": 30}


def test_of_near_duplicates_one_is_reviewed() -> None:
    pool = [candidate(f"{i:03d}", 0.5, duplicates=f"{i % 7}") for i in range(100)]
    found = picks(pool, 50, medoids=["000", "007"], generator=generator())
    assert len(found) == 7
    assert len({int(pick.episode_id) % 7 for pick in found}) == 7


def test_the_largest_failures_come_first() -> None:
    found = picks(plenty(), 20, medoids=FAILED, generator=generator(1))
    taken = [pick.episode_id for pick in found if pick.stratum == "medoid"]
    free = [name for name in FAILED if name not in {p.episode_id for p in found} - set(taken)]
    assert taken == free[:3]


def test_the_order_of_candidates_counts_for_nothing() -> None:
    pool = plenty(60)
    first = picks(pool, 20, medoids=[], generator=generator())
    assert first == picks(pool[::-1], 20, medoids=[], generator=generator())


POOL = st.lists(
    st.builds(
        Candidate,
        episode_id=st.uuids().map(str),
        success=st.none() | st.floats(0, 1),
        duplicates=st.sampled_from("abcdefgh"),
        judge=st.sampled_from([None, 0, 1]),
        outcome=st.sampled_from([None, 0, 1]),
    ),
    max_size=25,
)


@given(POOL, st.integers(0, 30), st.integers(0, 99))
def test_a_queue_is_as_long_as_clusters_allow_and_names_nobody_twice(
    pool: list[Candidate], size: int, seed: int
) -> None:
    medoids = [one.episode_id for one in pool[:3]]
    found: list[Pick] = picks(pool, size, medoids=medoids, generator=generator(seed))
    clusters = {one.episode_id: one.duplicates for one in pool}
    taken = [clusters[pick.episode_id] for pick in found]
    assert len(taken) == len(set(taken)) == min(size, len(set(clusters.values())))
    for pick in found:
        assert (pick.selection_probability is None) == (pick.stratum != "random")
        assert pick.selection_probability is None or 0 < pick.selection_probability <= 1


def test_a_negative_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        picks([], -1, medoids=[], generator=generator())
