"""Caps, mix and balance: what stays, and that the choice is nobody's but the digest's."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.errors import BadRecipe
from headrace.exporters.ration import STEPS, Portion, surplus
from headrace.exporters.reason import ADVICE, STAGES
from headrace.exporters.recipe import Caps, Mix, Recipe


def portion(name: str, **fields: Any) -> Portion:
    return Portion(row_id=name, **{"split": "train", "tokens": 10, **fields})


PORTIONS = st.lists(
    st.builds(
        Portion,
        row_id=st.integers(0, 10**6).map("r{}".format),
        split=st.sampled_from(["train", "train", "test"]),
        tokens=st.integers(1, 100),
        label=st.booleans(),
        request=st.sampled_from([None, "q1", "q2", "q3"]),
        customers=st.lists(st.sampled_from(["ann", "bob"]), max_size=2, unique=True).map(tuple),
        part=st.sampled_from([None, "refund", "cancel", "other"]),
    ),
    max_size=40,
    unique_by=lambda row: row.row_id,
)
MOST = st.one_of(st.none(), st.integers(1, 6))
RECIPES = st.builds(
    Recipe,
    objective=st.just("kto"),
    caps=st.builds(Caps, cluster=MOST, customer=MOST, tokens=st.none() | st.integers(1, 600)),
    balance=st.none() | st.sampled_from([1.0, 1.5, 3.0]),
    seed=st.integers(0, 3),
)


@given(rows=PORTIONS, recipe=RECIPES, data=st.data())
def test_what_stays_is_within_every_limit_in_whatever_order_rows_come(
    rows: list[Portion], recipe: Recipe, data: st.DataObject
) -> None:
    lost = surplus(rows, recipe)
    assert surplus(data.draw(st.permutations(rows)), recipe) == lost
    left = [row for row in rows if row.row_id not in lost]
    most, train = recipe.caps, [row for row in left if row.split == "train"]
    if most.cluster is not None:
        assert (
            max(Counter(r.request for r in left if r.request).values(), default=0) <= most.cluster
        )
    if most.customer is not None:
        held = Counter((row.split, name) for row in left for name in row.customers)
        assert max(held.values(), default=0) <= most.customer
    if most.tokens is not None:
        assert sum(row.tokens for row in train) <= most.tokens
    assert {row.row_id for row in left} == {row.row_id for row in rows} - lost.keys()
    assert surplus(left, recipe) == {} or recipe.balance is not None  # a budget may unbalance


@given(rows=PORTIONS, most=st.integers(1, 6), seed=st.integers(0, 3))
def test_a_cap_takes_no_more_than_it_must(rows: list[Portion], most: int, seed: int) -> None:
    lost = surplus(rows, Recipe(objective="sft", caps=Caps(cluster=most), seed=seed))
    for request in ("q1", "q2", "q3"):
        own = [row for row in rows if row.request == request]
        assert sum(row.row_id not in lost for row in own) == min(most, len(own))
    assert all(row.row_id not in lost for row in rows if row.request is None)


@given(rows=PORTIONS, most=st.integers(1, 6))
def test_one_more_row_moves_one_row_at_most(rows: list[Portion], most: int) -> None:
    recipe = Recipe(objective="sft", caps=Caps(cluster=most))
    fewer = {row.row_id for row in rows[1:]} - surplus(rows[1:], recipe).keys()
    more = {row.row_id for row in rows} - surplus(rows, recipe).keys()
    assert len(fewer ^ more) <= 2


def test_another_seed_keeps_other_rows() -> None:
    rows = [portion(f"r{n}", request="q") for n in range(50)]
    kept = {
        frozenset(surplus(rows, Recipe(objective="sft", caps=Caps(cluster=4), seed=seed)))
        for seed in range(5)
    }
    assert len(kept) == 5


@given(rows=PORTIONS, one=st.integers(1, 9), other=st.integers(1, 9))
def test_a_mix_keeps_proportions_and_as_many_rows_as_can_be(
    rows: list[Portion], one: int, other: int
) -> None:
    train = Counter(row.part for row in rows if row.split == "train")
    if not train["refund"] or not train["cancel"]:
        return
    mix = Mix(by="intent", weights={"refund": one, "cancel": other})
    lost = surplus(rows, Recipe(objective="sft", mix=mix))
    left = Counter(r.part for r in rows if r.split == "train" and r.row_id not in lost)
    assert left["refund"] == train["refund"] or left["cancel"] == train["cancel"]
    assert abs(left["refund"] * other - left["cancel"] * one) < max(one, other) or 1 in (
        left["refund"],
        left["cancel"],
    )
    assert left["other"] == train["other"]  # what has no weight stays
    assert all(row.split == "train" for row in rows if row.row_id in lost)


def test_a_star_weighs_all_others_and_a_weight_of_nothing_takes_none() -> None:
    rows = [portion(f"a{n}", part="refund") for n in range(10)]
    rows += [portion(f"b{n}", part=part) for n, part in enumerate(["x", "y", None] * 10)]
    mix = Mix(by="intent", weights={"refund": 1.0, "*": 2.0})
    lost = surplus(rows, Recipe(objective="sft", mix=mix))
    assert Counter(name[0] for name in lost) == {"b": 10}
    assert set(lost.values()) == {"mix_share"}
    nothing = Mix(by="intent", weights={"refund": 1.0, "*": 0.0})
    assert len(surplus(rows, Recipe(objective="sft", mix=nothing))) == 30


def test_a_mix_of_what_no_row_has_is_refused_with_the_nearest_name() -> None:
    rows = [portion("a", part="refund"), portion("b", part="cancel")]
    mix = Mix(by="intent", weights={"refnd": 1.0, "cancel": 1.0})
    with pytest.raises(BadRecipe, match="'refnd'.* as intent: did you mean 'refund'.*cancel"):
        surplus(rows, Recipe(objective="sft", mix=mix))


@pytest.mark.parametrize(
    ("good", "bad", "most", "lost"), [(9, 2, 1.5, 6), (2, 9, 3.0, 3), (9, 0, 1.0, 0)]
)
def test_balance_thins_the_label_that_has_more(good: int, bad: int, most: float, lost: int) -> None:
    rows = [portion(f"r{n}", label=n < good) for n in range(good + bad)]
    found = surplus(rows, Recipe(objective="kto", balance=most))
    assert len(found) == lost and set(found.values()) <= {"balanced"}


def test_a_pair_of_two_customers_counts_for_both() -> None:
    rows = [portion(f"r{n}", customers=("ann", "bob")[: 1 + n % 2]) for n in range(9)]
    lost = surplus(rows, Recipe(objective="dpo", caps=Caps(customer=2)))
    assert len(rows) - len(lost) == 2


def test_every_step_has_advice_and_is_the_last_of_the_waterfall() -> None:
    names = {name for name, _ in STEPS}
    assert names <= set(ADVICE) and names <= STAGES["is not too much"]
