from collections.abc import Callable
from typing import Any

import pytest

from headrace.curate.pairs.candidate import PER_SIDE, TRIED, candidates
from headrace.curate.pairs.side import Side
from tests.unit.curate.pairs.conftest import side


def reasons(sides: list[Side]) -> dict[str, str]:
    return {refusal.one: refusal.reason for refusal in candidates(sides).refused}


def test_a_success_and_a_failure_of_one_wording_are_compared() -> None:
    [found] = candidates([side("g"), side("b", False)]).tried
    assert found.names == ("g", "b")
    assert found.margin == pytest.approx(0.9)


def test_two_successes_are_not_compared() -> None:
    assert candidates([side("g"), side("h")]).tried == ()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("split", "test", "other_split"),
        ("context", 8, "other_context"),
        ("wording", "rome to paris", "slots_differ"),
        ("words", "the same task in other words", "other_prompt"),
    ],
)
def test_what_partners_must_share_keeps_them_apart(field: str, value: Any, expected: str) -> None:
    sides = [side("g"), side("b", False, **{field: value})]
    assert candidates(sides).tried == ()
    assert reasons(sides) == {"g": expected, "b": expected}


def test_the_nearest_miss_is_told() -> None:
    sides = [side("g"), side("b", False, split="test"), side("c", False, wording="v")]
    assert reasons(sides) == {"g": "slots_differ", "c": "slots_differ", "b": "other_split"}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ({"conversation_id": "c"}, {"conversation_id": "c", "model": "m-2"}, "retry"),
        ({"model": "m-1"}, {"model": "m-2"}, "replay"),
        ({"release": "r1", "user_id": "u"}, {"release": "r2", "user_id": "u"}, "replay"),
        ({"model": "m-1", "user_id": "u"}, {"model": "m-2", "user_id": "v"}, "across"),
        ({}, {}, "across"),
        ({"conversation_id": "c"}, {"conversation_id": "d"}, "across"),
    ],
)
def test_where_the_two_answers_come_from_is_the_kind(
    one: dict[str, Any], other: dict[str, Any], kind: str
) -> None:
    [found] = candidates([side("g", **one), side("b", False, **other)]).tried
    assert found.kind == kind


def test_the_best_kind_comes_first_then_models_in_turn_then_the_surer() -> None:
    sides = [
        side("g", model="a", conversation_id="c"),
        side("b1", False, model="b", p=0.1),
        side("b2", False, model="b", p=0.0),
        side("b3", False, model="c", p=0.1),
        side("b4", False, model="a", conversation_id="c", p=0.1),
    ]
    order = [found.names[1] for found in candidates(sides).tried]
    assert order == ["b4", "b2", "b3", "b1"]


def test_of_a_crowd_the_retried_and_the_latest_of_each_model_are_compared() -> None:
    many = [side(f"g{i:03}", model="a", started_at=i) for i in range(100)]
    few = [side("rare", model="b", started_at=0), side("again", started_at=0, conversation_id="c")]
    bad = side("b", False, model="a", conversation_id="c")
    found = candidates([*many, *few, bad])
    asked = {candidate.names[0] for candidate in found.tried}
    assert len(asked) == PER_SIDE
    assert {"rare", "again", "g099", "g086"} <= asked
    assert set(found.crowded) == {s.episode_id for s in (*many, *few)} - asked


def test_no_more_texts_are_read_than_a_bound() -> None:
    sides = [
        side(f"{good}{i:03}", good, wording=str(i))
        for i in range(2 * TRIED)
        for good in (True, False)
    ]
    found = candidates(sides)
    assert len(found.tried) == TRIED
    assert len(found.crowded) == 2 * TRIED


@pytest.fixture
def shuffled() -> Callable[[list[Side]], list[Side]]:
    return lambda sides: sides[::-1]


def test_the_order_in_which_they_come_is_none(shuffled: Callable[[list[Side]], list[Side]]) -> None:
    sides = [
        side(f"{good}{i}", good, model=str(i % 3), wording=str(i % 2))
        for i in range(8)
        for good in (True, False)
    ]
    assert candidates(shuffled(sides)) == candidates(sides)
