from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.labels.review import SHARES, Pick, Pool, picks


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a pool."""

    success: float | None = 0.99
    cluster: int | None = None  # None: its own
    judge: int | None = None
    outcome: int | None = None
    contrary: bool = False
    suspicion: float = 0.0
    fresh: bool = True
    drawn: bool = False


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(rows: list[Candidate]) -> Pool:
    def said(values: list[int | None]) -> Any:
        return np.array([-1 if value is None else value for value in values], dtype=np.int8)

    own = [100 + i if row.cluster is None else row.cluster for i, row in enumerate(rows)]
    return Pool(
        cluster=np.array(own, dtype=np.int64),
        success=np.array([row.success for row in rows], dtype=np.float64),
        judge=said([row.judge for row in rows]),
        outcome=said([row.outcome for row in rows]),
        contrary=np.array([row.contrary for row in rows], dtype=bool),
        suspicion=np.array([row.suspicion for row in rows], dtype=np.float64),
        fresh=np.array([row.fresh for row in rows], dtype=bool),
        drawn=np.array([row.drawn for row in rows], dtype=bool),
    )


def plenty(count: int = 400) -> list[Candidate]:
    """Every fourth has a judge against its outcome."""
    return [Candidate(success=i / count, judge=1, outcome=int(i % 4 != 0)) for i in range(count)]


def chosen(found: list[Pick], stratum: str) -> list[int]:
    return [pick.place for pick in found if pick.stratum == stratum]


FAILED = list(range(1, 400, 8))


def test_a_queue_has_its_shares() -> None:
    found = picks(pool(plenty()), 100, medoids=FAILED, generator=generator())
    assert Counter(pick.stratum for pick in found) == {
        "uncertainty": 40, "random": 25, "disagreement": 20, "medoid": 15,
    }  # fmt: skip


def test_a_queue_that_is_filled_up_one_by_one_has_its_shares_as_well() -> None:
    random, strata = generator(), Counter[str]()
    for _ in range(2_000):
        [pick] = picks(pool(plenty()), 1, medoids=FAILED, generator=random)
        strata[pick.stratum] += 1
    for stratum, share in SHARES.items():
        assert strata[stratum] / 2_000 == pytest.approx(share, abs=0.03)


def test_only_the_even_sample_has_a_chance_and_it_is_exact() -> None:
    found = picks(pool(plenty()), 100, medoids=FAILED, generator=generator())
    chances = {pick.stratum: pick.selection_probability for pick in found}
    assert chances == {
        "random": 25 / 400,
        "uncertainty": None,
        "disagreement": None,
        "medoid": None,
    }


def test_stored_chances_are_how_often_each_is_drawn() -> None:
    rows = [Candidate(cluster=1) for _ in "abc"] + [Candidate() for _ in "de"]
    random, drawn = generator(), Counter[int]()
    stored: dict[int, float | None] = {}
    for _ in range(4_000):
        found = picks(pool(rows), 4, medoids=[], generator=random)
        [pick] = [pick for pick in found if pick.stratum == "random"]
        drawn[pick.place] += 1
        stored[pick.place] = pick.selection_probability
    assert stored == pytest.approx({0: 1 / 9, 1: 1 / 9, 2: 1 / 9, 3: 1 / 3, 4: 1 / 3})
    for place, count in drawn.items():
        assert count / 4_000 == pytest.approx(stored[place], abs=0.03)


def test_the_even_sample_is_drawn_from_those_that_were_looked_at_too() -> None:
    rows = [Candidate(fresh=i >= 200) for i in range(400)]
    found = picks(pool(rows), 100, medoids=[], generator=generator())
    drawn = chosen(found, "random")
    seen = [place for place in drawn if place < 200]
    assert len(drawn) == 25
    assert 5 <= len(seen) <= 20
    assert len(found) == 100 + len(seen)  # whoever was looked at takes no place in the queue


def test_nobody_is_drawn_twice() -> None:
    rows = [Candidate(drawn=i != 9, fresh=False) for i in range(40)]
    found = picks(pool(rows), 40, medoids=[], generator=generator())
    assert found == [Pick(place=9, stratum="random", selection_probability=1.0)]


def test_uncertainty_takes_the_nearest_to_a_toss_up() -> None:
    rows = [Candidate(success=value, drawn=True) for value in (0.02, 0.5, 0.7, None)]
    found = picks(pool(rows), 4, medoids=[], generator=generator())
    assert chosen(found, "uncertainty") == [1, 2, 0, 3]


def test_what_looks_wrong_goes_before_a_toss_up() -> None:
    odd = [Candidate(success=0.97, drawn=True, suspicion=value) for value in (0.2, 0.9)]
    rows = [Candidate(success=0.5, drawn=True), *odd, Candidate(success=0.6, drawn=True)]
    found = picks(pool(rows), 3, medoids=[], generator=generator())
    assert chosen(found, "uncertainty")[0] == 2  # the oddest one


def test_what_looks_wrong_does_not_crowd_out_what_is_uncertain() -> None:
    rows = [Candidate(success=0.97, drawn=True, suspicion=0.9) for _ in range(100)]
    rows += [Candidate(success=0.5, drawn=True) for _ in range(100)]
    found = picks(pool(rows), 50, medoids=[], generator=generator())
    odd = [place for place in chosen(found, "uncertainty") if place < 100]
    assert len(odd) in (10, 11)  # half of the share of uncertainty


def test_disagreement_needs_both_a_judge_and_an_outcome() -> None:
    rows = [Candidate(judge=1, drawn=True) for _ in range(50)]
    rows += [Candidate(judge=0, outcome=1, drawn=True)]
    found = picks(pool(rows), 20, medoids=[], generator=generator(3))
    assert chosen(found, "disagreement") == [50]


def test_a_state_against_all_votes_is_a_disagreement() -> None:
    rows = [Candidate(drawn=True) for _ in range(50)] + [Candidate(contrary=True, drawn=True)]
    found = picks(pool(rows), 20, medoids=[], generator=generator(3))
    assert chosen(found, "disagreement") == [50]


def test_what_cannot_be_filled_goes_to_uncertainty() -> None:
    rows = [Candidate(success=i / 100) for i in range(100)]
    found = picks(pool(rows), 40, medoids=[], generator=generator())
    assert Counter(pick.stratum for pick in found) == {"random": 10, "uncertainty": 30}


def test_of_near_duplicates_one_is_reviewed() -> None:
    rows = [Candidate(success=0.5, cluster=i % 7) for i in range(100)]
    found = picks(pool(rows), 50, medoids=[0, 7], generator=generator())
    assert len(found) == 7
    assert len({pick.place % 7 for pick in found}) == 7


def test_whoever_repeats_what_was_looked_at_is_not_asked_for() -> None:
    rows = [Candidate(cluster=1, drawn=True, fresh=i > 0, success=0.5) for i in range(9)]
    found = picks(pool(rows), 9, medoids=[3], generator=generator())
    assert found == []


def test_the_largest_failures_come_first() -> None:
    found = picks(pool(plenty()), 20, medoids=FAILED, generator=generator(1))
    taken = chosen(found, "medoid")
    others = {pick.place for pick in found} - set(taken)
    assert taken == [place for place in FAILED if place not in others][:3]


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="give its size"):
        picks(pool([]), -1, medoids=[], generator=generator())


ROWS = st.lists(
    st.builds(
        Candidate,
        success=st.none() | st.floats(0, 1),
        cluster=st.integers(0, 7),
        judge=st.sampled_from([None, 0, 1]),
        outcome=st.sampled_from([None, 0, 1]),
        contrary=st.booleans(),
        suspicion=st.sampled_from([0.0, 0.4]),
        drawn=st.booleans(),
    ),
    max_size=25,
)


@given(ROWS, st.integers(0, 30), st.integers(0, 99))
def test_a_queue_is_as_long_as_clusters_allow_and_names_nobody_twice(
    rows: list[Candidate], size: int, seed: int
) -> None:
    medoids = list(range(min(3, len(rows))))
    found = picks(pool(rows), size, medoids=medoids, generator=generator(seed))
    taken = [rows[pick.place].cluster for pick in found]
    assert len(taken) == len(set(taken)) == min(size, len({row.cluster for row in rows}))
    for pick in found:
        assert (pick.selection_probability is None) == (pick.stratum != "random")
        assert pick.selection_probability is None or 0 < pick.selection_probability <= 1
