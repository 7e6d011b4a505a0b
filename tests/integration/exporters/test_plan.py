"""The plan of what could be built, held against what a build selects."""

from typing import Any, Protocol

import pytest

from headrace.exporters import recipefile
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.plan import Outlook, plan
from headrace.exporters.reason import ADVICE, STAGES, SWITCHES, advice, can_change, stage_of
from headrace.exporters.selection import select
from headrace.lake import Lake

PROJECT = "shop"


class Stock(Protocol):
    lake: Lake


def outlook(stock: Stock, objective: Objective, **keys: Any) -> Outlook:
    recipe = recipefile.recipe({"objective": objective, **keys})
    [found] = plan(stock.lake, PROJECT, [recipe]).outlooks
    return found


@pytest.mark.parametrize("keys", [{}, {"caps": {"cluster": 1}, "holdout": 0.4, "seed": 2}], ids=str)
def test_a_plan_says_what_a_build_selects_for_each_objective(
    flawed: Stock, keys: dict[str, Any]
) -> None:
    recipes = [recipefile.recipe({"objective": one, **keys}) for one in OBJECTIVES]
    before = flawed.lake.snapshot_id
    found = plan(flawed.lake, PROJECT, recipes)
    assert flawed.lake.snapshot_id == before
    for one, recipe in zip(found.outlooks, recipes, strict=True):
        made = select(flawed.lake, PROJECT, recipe.objective, recipe=recipe)
        assert one.rows == len(made.rows)
        assert one.splits == {side: made.rows.count(side) for side in ("train", "test")}
        assert one.episodes == len(made.episodes) == 15
        drops = {reason: n for stage in one.stages for reason, n in stage.drops.items()}
        assert drops == made.drops
        assert one.stages[-1].left == len(made.marks)


def test_the_waterfall_adds_up_and_every_reason_is_known(flawed: Stock) -> None:
    found = outlook(flawed, "sft")
    left = found.episodes
    for stage in found.stages:
        left -= sum(stage.drops.values())
        assert stage.left == left
    assert [stage.name for stage in found.stages] == [*STAGES]
    assert found.against["content_hidden"] == found.against["unfinished"] == 1
    assert found.against["no_tool_definitions"] == 3
    assert found.against["pending"] == 2


def test_the_switch_is_what_alone_keeps_most_episodes_out(flawed: Stock) -> None:
    found = outlook(flawed, "sft").switch
    assert found is not None
    assert (found.reason, found.episodes) == ("no_tool_definitions", 2)  # one waits besides
    assert found.advice == advice("no_tool_definitions")


def test_what_a_recipe_leaves_out_is_no_switch(still_shop: Stock) -> None:
    found = outlook(still_shop, "kto", filters=["episode_id = 'A1'"])
    assert (found.rows, found.against["filtered"], found.switch) == (1, 6, None)


def test_a_plan_of_nothing_is_told_as_such(still_shop: Stock) -> None:
    [found] = plan(still_shop.lake, "nobody", [recipefile.recipe({"objective": "sft"})]).outlooks
    assert (found.episodes, found.rows, found.switch) == (0, 0, None)


def test_progress_is_told_to_the_end(still_shop: Stock) -> None:
    seen: list[tuple[int, int]] = []
    plan(still_shop.lake, PROJECT, [], told=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (7, 7)


def test_each_reason_is_of_one_stage_and_what_can_change_has_advice() -> None:
    assert all(stage_of(reason) in STAGES for reason in ADVICE)
    assert sum(map(len, STAGES.values())) == len(frozenset[str]().union(*STAGES.values()))
    assert frozenset[str]().union(*STAGES.values()) <= set(ADVICE)
    assert set(SWITCHES) <= set(ADVICE)
    assert can_change("screened:injection") and can_change("contaminated:similar")
    assert not can_change("contaminated:exact") and not can_change("not_success")


def test_a_build_that_would_be_refused_as_a_whole_is_told(still_shop: Stock, market: Stock) -> None:
    assert outlook(still_shop, "kto").refused is None
    assert "asks for 9" in (outlook(still_shop, "kto", least_rows=9).refused or "")
    assert "has no suite" in (outlook(market, "kto").refused or "")
    alone = outlook(market, "kto", without_evals=True).refused
    assert alone is not None and "all 12 rows to train on are a success" in alone
