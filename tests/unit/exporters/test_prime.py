import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.flat_talk import ABOUT, KIND, USER, YES, ask, bare, result, row, rows, told, tool, unflat

Write = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(given_row=rows("sft"))
def test_a_conversation_comes_back_byte_for_byte_but_for_texts_that_were_absent(
    given_row: Row,
) -> None:
    [record], codes = told("prime", given_row)
    said = [{"content": "", **message} for message in given_row.messages]
    assert record["messages"] == said
    assert record.get("tools") == given_row.tools
    assert set(codes) <= {"content_filled"}


@settings(max_examples=40, deadline=None)
@given(task=rows("rl"))
def test_a_task_comes_back_with_its_system_text_apart(task: Row) -> None:
    [record], _ = told("prime", task)
    system = record["system_prompt"]
    head = [{"role": "system", "content": system}] if system is not None else []
    assert unflat([*head, *record["prompt"]]) == (bare(task.prompt), task.tools)
    assert all(message["role"] != "system" for message in record["prompt"])
    assert {key: record[key] for key in ABOUT} == ABOUT and record["id"] == task.row_id


def test_a_conversation_with_a_turn_that_must_not_train_is_left_out() -> None:
    given = row("sft", [USER, YES, USER], trainable=(False, False, False, True))
    assert told("prime", given) == ([], ["row_skipped:mask_inexpressible"])


@pytest.mark.parametrize(
    "prompt", [[], [KIND], [USER, KIND, USER], [KIND, KIND, USER], [USER, YES]]
)
def test_a_task_without_a_question_or_with_a_late_system_text_is_left_out(
    prompt: list[Body],
) -> None:
    assert told("prime", row("rl", prompt)) == ([], ["row_skipped:role_order"])


def test_tools_are_a_column_of_all_rows_or_of_none(adapted: Write) -> None:
    made = adapted("prime", corpus("sft"), "sft").files["train.jsonl"].split("\n")[:-1]
    tools = [json.loads(line)["tools"] for line in made]
    assert {type(one) for one in tools} == {str, type(None)}
    chats = adapted("prime", corpus("sft")[3:5], "sft").files["train.jsonl"].split("\n")[:-1]
    assert all(set(json.loads(line)) == {"messages"} for line in chats)


def test_names_of_tasks_are_their_own() -> None:
    names = [record["id"] for one in corpus("rl") for record in told("prime", one)[0]]
    assert len({*names}) == len(names) == len(corpus("rl"))


def test_tools_are_told_once_in_the_system_text() -> None:
    given = row("rl", [USER, ask("c"), result("c")], tools=json.dumps([tool()]))
    [record], codes = told("prime", given)
    assert record["system_prompt"].startswith("# Tools\n")
    assert codes == ["context_flattened", "tools_flattened"]


@pytest.mark.parametrize("objective", ["sft", "rl"])
def test_the_settings_of_the_page_are_toml(adapted: Write, objective: Any) -> None:
    page = adapted("prime", corpus(objective), objective).files["HOWTO.md"]
    settings = tomllib.loads(page.split("```toml\n")[1].split("```")[0])
    assert settings["model"]["name"]
    if objective == "rl":
        [env] = settings["orchestrator"]["train"]["env"]
        assert env["taskset"] == {"id": "taskset"}
        assert env["agent"]["runtime"] == {"type": "subprocess"}


def test_the_lines_to_copy_send_nothing_away(adapted: Write) -> None:
    page = adapted("prime", corpus("rl"), "rl").files["HOWTO.md"]
    [line] = [line for line in page.split("```") if "vf-eval" in line]
    kept = ("--no-push", "--env.agent.runtime.type subprocess", "--client.base-url")
    assert all(setting in line for setting in kept)
