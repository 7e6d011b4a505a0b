import ast
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.talk import USER, YES, ask, row, rows, told

OBJECTIVES: tuple[Objective, ...] = ("sft", "kto", "dpo")


def plain(made: Row) -> Row:
    """A row all of whose turns train."""
    on = tuple(message["role"] == "assistant" for message in made.messages)
    return msgspec.structs.replace(made, trainable=on) if made.messages else made


@settings(max_examples=40, deadline=None)
@given(made=st.sampled_from(OBJECTIVES).flatmap(rows).map(plain))
def test_without_a_mask_rows_are_those_of_trl(made: Row) -> None:
    assert told("unsloth", made) == told("trl", made)


@settings(max_examples=40, deadline=None)
@given(made=st.lists(rows("sft"), min_size=1, max_size=3))
def test_with_a_mask_every_trained_turn_ends_a_conversation_and_no_other(made: list[Row]) -> None:
    records, codes = told("unsloth", *made)
    if "mask_unrolled" not in codes:
        assert not any(one.is_masked for one in made)
        return
    assert [{*record} - {"tools"} for record in records] == [{"messages"}] * len(records)
    trl, _ = told("trl", *made)
    assert [record["messages"] for record in records] == [
        [*record["prompt"], *record["completion"]] for record in trl
    ]
    assert [record.get("tools") for record in records] == [record.get("tools") for record in trl]


def test_all_rows_have_one_shape_where_one_is_masked() -> None:
    whole, masked = row("sft", [USER]), row("sft", [USER, YES, USER], ask("c"))
    records, codes = told("unsloth", whole, masked)
    assert [len(record["messages"]) for record in records] == [2, 4]
    assert codes == ["mask_unrolled", "content_filled"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_lines_are_a_program_over_the_files_that_there_are(
    adapted: Any, objective: Objective
) -> None:
    test = [msgspec.structs.replace(r, row_id=f"t{r.row_id}") for r in corpus(objective, "test")]
    page = adapted("unsloth", [*corpus(objective), *test], objective).files["HOWTO.md"]
    code = page.split("```python\n")[1].split("```")[0]
    names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    assert {f"{objective.upper()}Config", f"{objective.upper()}Trainer"} <= names
    assert 'train_dataset=texts("train.jsonl")' in code
    assert 'eval_dataset=texts("test.jsonl")' in code
    assert ("train_on_responses_only" in names) == (objective == "sft")
    assert ("last_response_only=True" in code) == (objective == "sft")
    assert max(map(len, code.split("\n"))) <= 100


def test_whole_conversations_train_every_turn(adapted: Any) -> None:
    whole = [one for one in corpus("sft") if not one.is_masked]
    page = adapted("unsloth", whole, "sft").files["HOWTO.md"]
    assert "train_on_responses_only(" in page and "last_response_only" not in page
