import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.flat_talk import (
    ABOUT,
    USER,
    YES,
    ask,
    bare,
    marked_rows,
    result,
    row,
    rows,
    told,
    unflat,
)

Write = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(given_row=marked_rows())
def test_every_marked_turn_is_trained_once_after_all_that_was_said_before(given_row: Row) -> None:
    records, codes = told("openrlhf", given_row)
    said = bare(given_row.messages)
    trained = [at for at, mark in enumerate(given_row.trainable) if mark]
    if not given_row.is_masked:
        assert [unflat(r["messages"]) for r in records] == [(said, given_row.tools)]
        return
    assert "mask_unrolled" in codes
    assert [unflat(r["messages"]) for r in records] == [
        (said[: at + 1], given_row.tools) for at in trained
    ]


@pytest.mark.parametrize("objective", ["dpo", "rm"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_pair_comes_back_with_its_margin(objective: Objective, data: st.DataObject) -> None:
    pair = data.draw(rows(objective))
    [record], codes = told("openrlhf", pair)
    assert unflat(record["prompt"]) == (bare(pair.prompt), pair.tools)
    for side in ("chosen", "rejected"):
        assert unflat(record[side]) == (bare(getattr(pair, side)), None)
        assert len(record[side]) == 1
    assert record.get("margin") == (0.5 if objective == "rm" else None)
    assert ("calls_flattened" in codes) == ("tool_calls" in pair.chosen[0])


@settings(max_examples=30, deadline=None)
@given(task=rows("rl"))
def test_a_task_comes_back_with_all_that_is_known_of_it(task: Row) -> None:
    [record], _ = told("openrlhf", task)
    assert unflat(record["input"]) == (bare(task.prompt), task.tools)
    assert json.loads(record["label"]) == {**ABOUT, "policy": None}
    assert record["datasource"] == "refunds/match"


def test_a_margin_that_not_all_pairs_have_is_dropped_and_told(adapted: Write) -> None:
    some = [*corpus("rm")[:2], row("rm", [USER], margin=None)]
    made = adapted("openrlhf", some, "rm")
    assert "margin" not in made.files["train.jsonl"]
    [loss] = [one for one in made.loss.losses if one.code == "margin_dropped"]
    assert loss.count == 2 and loss.harmless
    assert "margin_loss_enable" not in made.files["HOWTO.md"]
    assert "--model.margin_loss_enable" in adapted("openrlhf", corpus("rm"), "rm").files["HOWTO.md"]


def test_one_masked_conversation_makes_all_of_them_end_on_the_turn_to_train(
    adapted: Write,
) -> None:
    whole = adapted("openrlhf", corpus("sft")[:2], "sft")
    assert "--data.input_key messages --data.multiturn" in whole.files["HOWTO.md"]
    unrolled = adapted("openrlhf", corpus("sft"), "sft")
    [command] = unrolled.files["HOWTO.md"].split("```")[1::2]
    assert "--data.multiturn" not in command
    count = sum(sum(one.trainable) for one in corpus("sft"))
    assert unrolled.files["train.jsonl"].count("\n") == count


@pytest.mark.parametrize("at", ["user", "tool"])
def test_a_prompt_in_which_a_picture_would_be_put_is_left_out(at: str) -> None:
    prompt = [USER, ask("c"), result("c"), {"role": "user", "content": "So?"}]
    marked = [{**m, "content": "an <image>"} if m["role"] == at else m for m in prompt]
    assert told("openrlhf", row("rl", marked)) == ([], ["row_skipped:reserved_token"])
    assert len(told("openrlhf", row("rl", prompt))[0]) == 1


@pytest.mark.parametrize("prompt", [[], [USER, YES]])
def test_a_task_that_ends_on_an_answer_is_left_out(prompt: list[Any]) -> None:
    assert told("openrlhf", row("rl", prompt)) == ([], ["row_skipped:role_order"])
