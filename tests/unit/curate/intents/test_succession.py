"""An intent that is found again keeps its id, whatever number it gets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.intents.succession import Succession, succession


def told(
    before: str, after: list[int], count: int, episodes: list[int] | None = None
) -> Succession:
    """`before` a letter for each request, `.` for none."""
    was = [None if letter == "." else letter for letter in before]
    weights = np.array(episodes or [1] * len(before))
    return succession(was, np.array(after), weights, count)


def test_intents_keep_their_ids_in_any_order() -> None:
    found = told("aabbcc", [2, 2, 0, 0, 1, 1], 3)
    assert found == Succession(kept={2: "a", 0: "b", 1: "c"}, gone={})


def test_what_came_since_says_nothing_of_what_an_intent_was() -> None:
    assert told("aa........", [0] * 10, 1).kept == {0: "a"}


def test_traffic_decides_who_is_the_successor() -> None:
    assert told("aa", [0, 1], 2, [1, 10]).kept == {1: "a"}


def test_an_intent_that_went_into_another_is_gone_into_it() -> None:
    found = told("aaaabb", [0] * 6, 1)
    assert (found.kept, found.gone) == ({0: "a"}, {"b": 0})


def test_an_intent_that_fell_apart_names_none_of_the_pieces() -> None:
    assert told("aaaa", [0, 1, 2, 3], 4).kept == {}


def test_an_intent_that_nobody_asks_any_more_is_simply_gone() -> None:
    assert told("aab", [0, 0, -1], 1) == Succession(kept={0: "a"}, gone={})


def test_the_first_time_nothing_is_kept() -> None:
    assert told("...", [0, 0, 1], 2) == Succession(kept={}, gone={})


@given(
    before=st.text("abc.", min_size=1, max_size=12),
    order=st.permutations(range(3)),
)
def test_the_same_intents_under_other_numbers_are_all_kept(before: str, order: list[int]) -> None:
    after = [-1 if letter == "." else order["abc".index(letter)] for letter in before]
    kept = told(before, after, 3).kept
    assert kept == {order["abc".index(letter)]: letter for letter in set(before) - {"."}}
