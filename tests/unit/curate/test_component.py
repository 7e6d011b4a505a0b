"""Connected components against a walk that anyone can check."""

from collections.abc import Hashable, Mapping
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.component import components, roots

ITEMS = st.dictionaries(st.text("abcdef", min_size=1), st.lists(st.integers(0, 9)), max_size=20)


def walked(items: Mapping[str, list[int]]) -> list[list[str]]:
    """Breadth first from each item that no walk has met."""
    found: list[list[str]] = []
    for start in items:
        if any(start in part for part in found):
            continue
        reached, edge = {start}, [start]
        while edge:
            keys = {key for item in edge for key in items[item]}
            edge = [i for i in items if i not in reached and not keys.isdisjoint(items[i])]
            reached |= set(edge)
        found.append([item for item in items if item in reached])
    return found


@settings(max_examples=100, deadline=None)
@given(ITEMS)
def test_components_are_what_a_walk_reaches_in_the_order_given(items: dict[str, list[int]]) -> None:
    assert components(items) == walked(items)


@settings(max_examples=50, deadline=None)
@given(ITEMS, st.randoms(use_true_random=False))
def test_components_do_not_depend_on_order(items: dict[str, list[int]], rng: Random) -> None:
    names = list(items)
    rng.shuffle(names)
    shuffled = {name: items[name][::-1] for name in names}
    assert set(map(frozenset, components(shuffled))) == set(map(frozenset, components(items)))


@settings(max_examples=50, deadline=None)
@given(ITEMS, st.text("abcdef", min_size=1), st.lists(st.integers(0, 9)))
def test_one_more_item_parts_none_that_were_together(
    items: dict[str, list[int]], name: str, keys: list[int]
) -> None:
    before = components(items)
    after = components({**items, name: [*items.get(name, []), *keys]})
    assert all(any(set(part) <= set(other) for other in after) for part in before)


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ({}, []),
        ({"a": []}, [["a"]]),
        ({"a": [], "b": []}, [["a"], ["b"]]),
        ({"a": [1], "b": [2], "c": [2, 1]}, [["a", "b", "c"]]),
        ({"c": [1], "a": [2], "b": [1]}, [["c", "b"], ["a"]]),
        ({"a": [1, 1], "b": [True]}, [["a", "b"]]),
        ({"a": [("user", "x")], "b": [("call", "x")]}, [["a"], ["b"]]),
    ],
)
def test_items_belong_together_by_their_keys_alone(
    items: dict[str, list[Hashable]], found: list[list[str]]
) -> None:
    assert components(items) == found


def test_a_long_chain_of_shared_keys_is_one_component() -> None:
    items = {str(i): [i, i + 1] for i in range(20_000)}
    assert components(dict(reversed(items.items()))) == [list(reversed(items))]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11))))
def test_roots_are_the_first_of_each_component(count: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [pair for pair in pairs if max(pair) < count]
    keys = {str(item): [n for n, pair in enumerate(pairs) if item in pair] for item in range(count)}
    first = {item: int(part[0]) for part in walked(keys) for item in part}
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    assert roots(count, one, other).tolist() == [first[str(item)] for item in range(count)]


def test_a_long_line_of_items_is_one_component_whatever_the_order_of_its_pairs() -> None:
    order = np.random.default_rng(1).permutation(9_999)
    assert not roots(10_000, order, order + 1).any()
