from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.formats.verl import RL, SFT
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.record import Split
from tests.corpus import corpus, masked
from tests.flat_talk import USER, YES, ask, bare, row, rows, told, unflat

Write = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(given_row=rows("sft"))
def test_a_conversation_comes_back_whole(given_row: Row) -> None:
    [record], codes = told("verl", given_row)
    assert set(record) == {"messages"}
    assert unflat(record["messages"]) == (bare(given_row.messages), given_row.tools)
    assert set(codes) <= {"calls_flattened", "tools_flattened"}


@settings(max_examples=40, deadline=None)
@given(given_row=rows("rl"), scorer=st.sampled_from(["match", "tool_calls:names"]))
def test_a_task_comes_back_with_what_is_right(given_row: Row, scorer: str) -> None:
    asked = row("rl", given_row.prompt, tools=given_row.tools, scorer=scorer)
    [record], codes = told("verl", asked)
    assert unflat(record["prompt"]) == (bare(asked.prompt), asked.tools)
    assert record["reward_model"] == {"style": "rule", "ground_truth": "42"}
    beside = record["extra_info"]
    assert (beside["scorer"], beside["task_id"], beside["pass_rate"], beside["samples"]) == (
        scorer, "t", 0.5, 2,
    )  # fmt: skip
    assert record["ability"] == ("calls" if "tool_calls" in scorer else "text")
    assert ("calls_flattened" in codes) == (record["ability"] == "calls")


@pytest.mark.parametrize("objective", FORMATS["verl"].objectives)
def test_what_is_read_from_the_file_is_what_was_told_of_each_row(
    adapted: Write, objective: Objective
) -> None:
    given = corpus(objective)
    [read] = [part for part in adapted("verl", given, objective).files.values() if part[0] != "#"]
    assert sorted(map(str, read)) == sorted(str(r) for one in given for r in told("verl", one)[0])


@pytest.mark.parametrize(("objective", "schema"), [("sft", SFT), ("rl", RL)])
def test_the_file_has_plain_types_whatever_its_rows_hold(
    tmp_path: Any, objective: Objective, schema: Any
) -> None:
    held = RowFile.of(corpus(objective)[-1:] if objective == "rl" else corpus(objective)[:1])
    writer.write(FORMATS["verl"], held, Shape.of("refunds", objective, held), tmp_path)
    assert pq.read_schema(tmp_path / "train.parquet").equals(schema, check_metadata=False)


def test_a_conversation_with_a_turn_that_must_not_train_is_left_out() -> None:
    given = row("sft", [USER, YES, USER], trainable=(False, False, False, True))
    assert told("verl", given) == ([], ["row_skipped:mask_inexpressible"])
    for one in corpus("sft"):
        assert (one in masked([one])) == (not told("verl", one)[0])


def test_every_row_has_an_index_of_its_own_that_stays() -> None:
    found = [told("verl", one)[0][0]["extra_info"]["index"] for one in corpus("rl")]
    assert len({*found}) == len(found) and all(0 <= index < 2**63 for index in found)
    assert found == [told("verl", one)[0][0]["extra_info"]["index"] for one in corpus("rl")]


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_the_page_names_the_files_that_there_are(adapted: Write, splits: tuple[Split, ...]) -> None:
    sides: dict[Split, list[Row]] = {"train": corpus("rl")[:2], "test": corpus("rl", "test")[2:]}
    given = [one for split in splits for one in sides[split]]
    page = adapted("verl", given, "rl").files["HOWTO.md"]
    checked = "test.parquet" if "test" in splits else "train.parquet"
    assert f"data.train_files=train.parquet \\\n    data.val_files={checked} \\\n" in page
    assert "path=pkg://headrace.evals.rewards" in page and "name=compute_score" in page


def test_a_prompt_that_ends_on_calls_of_the_assistant_is_no_task() -> None:
    assert told("verl", row("rl", [USER, ask("c")])) == ([], ["row_skipped:role_order"])
