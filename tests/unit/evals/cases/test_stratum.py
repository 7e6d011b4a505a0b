"""Every intent gets a few cases before any gets many, and failures keep their share."""

from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evals.cases.stratum import ENOUGH, Candidate, Mix, chosen


def some(intent: str, count: int, failed: int = 0) -> list[Candidate]:
    return [
        Candidate(request=f"{intent}{i}", intent=intent, failed=i < failed) for i in range(count)
    ]


def drawn(
    offered: list[Candidate],
    room: int,
    *,
    standing: Mapping[str, int] | None = None,
    traffic: Mapping[str, int] | None = None,
    share: float = 0.5,
    mix: Mix | None = None,
    seed: int = 0,
) -> list[Candidate]:
    return chosen(
        offered,
        room,
        standing=standing or {},
        traffic=traffic or {one.intent: 1 for one in offered},
        mix=mix or Mix(share=share),
        seed=seed,
    )


def names(found: list[Candidate]) -> list[str]:
    return [one.intent for one in found]


def test_every_intent_has_one_before_any_has_two() -> None:
    offered = [*some("big", 50), *some("small", 2), *some("tiny", 1)]
    found = names(drawn(offered, 5, traffic={"big": 900, "small": 5, "tiny": 1}))
    assert found == ["big", "small", "tiny", "big", "small"]


def test_from_enough_cases_on_traffic_decides() -> None:
    offered = [*some("big", 90), *some("small", 90)]
    found = names(drawn(offered, 40, traffic={"big": 900, "small": 100}))
    assert found[: 2 * ENOUGH].count("small") == ENOUGH
    assert Counter(found) == {"big": 35, "small": 5}


def test_cases_that_stand_count() -> None:
    offered = [*some("old", 9), *some("new", 9)]
    found = names(drawn(offered, 4, standing={"old": 3}, traffic={"old": 9, "new": 1}))
    assert found == ["new", "new", "new", "old"]


def test_an_intent_nobody_asks_for_any_more_comes_last() -> None:
    offered = [*some("dead", 3), *some("live", 9)]
    found = names(drawn(offered, 12, traffic={"live": 2}))
    assert found == ["live"] * 9 + ["dead"] * 3


@pytest.mark.parametrize(("share", "failed"), [(0.0, 0), (0.25, 5), (0.5, 10), (1.0, 20)])
def test_failures_have_their_share_where_there_is_a_choice(share: float, failed: int) -> None:
    found = drawn(some("one", 60, failed=30), 20, share=share)
    assert sum(one.failed for one in found) == failed


def test_of_intents_whose_turn_it_is_those_with_the_wanted_kind_come_first() -> None:
    offered = [one for i in range(8) for one in some(f"i{i}", 1, failed=i % 4 == 0)]
    traffic = {f"i{i}": 8 - i for i in range(8)}
    found = drawn(offered, 4, traffic=traffic)
    assert names(found) == ["i0", "i1", "i4", "i2"]
    assert names(drawn(offered, 3, traffic=traffic, share=0)) == ["i1", "i2", "i3"]


def test_where_one_kind_runs_out_the_other_fills_the_room() -> None:
    assert sum(one.failed for one in drawn(some("one", 20, failed=2), 10, share=1)) == 2
    assert sum(one.failed for one in drawn(some("one", 20, failed=18), 10, share=0)) == 8


def test_the_share_is_that_of_the_suite_not_of_tonight() -> None:
    standing = Mix(share=0.5, failed=10, cases=10)
    found = drawn(some("one", 20, failed=10), 6, mix=standing)
    assert not any(one.failed for one in found)


def test_another_seed_draws_others_and_the_same_seed_the_same() -> None:
    offered = some("one", 100)
    assert drawn(offered, 10, seed=1) == drawn(offered[::-1], 10, seed=1)
    assert set(names_of(drawn(offered, 10, seed=1))) != set(names_of(drawn(offered, 10, seed=2)))


def names_of(found: list[Candidate]) -> list[str]:
    return [one.request for one in found]


@pytest.mark.parametrize("room", [0, -3])
def test_without_room_nothing_is_drawn(room: int) -> None:
    assert drawn(some("one", 3), room) == []


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    room=st.integers(0, 60),
    share=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_each_request_is_drawn_at_most_once_and_no_room_is_wasted(
    sizes: list[int], room: int, share: float, seed: int
) -> None:
    offered = [
        one for i, size in enumerate(sizes) for one in some(f"i{i}-", size, failed=size // 2)
    ]
    found = drawn(offered, room, share=share, seed=seed)
    assert len({one.request for one in found}) == len(found) == min(room, len(offered))
    counts = accumulate(found, lambda seen, one: seen | {one.intent}, initial=frozenset[str]())
    assert [len(seen) for seen in counts][: len(sizes) + 1] == list(
        range(min(len(found), len(sizes)) + 1)
    ), "every intent once before any twice"
