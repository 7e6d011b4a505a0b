import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.flat_talk import KIND, USER, YES, ask, bare, result, row, rows, told, tool, unflat

Write = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(given_row=rows("sft"))
def test_a_conversation_comes_back_byte_for_byte_but_for_texts_that_were_absent(
    given_row: Row,
) -> None:
    [record], codes = told("nemo", given_row)
    for message in record["messages"]:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = text(call["function"]["arguments"])
    assert record["messages"] == [{"content": "", **message} for message in given_row.messages]
    assert (text(record["tools"]) if "tools" in record else None) == given_row.tools
    assert set(codes) <= {"content_filled"}


@pytest.mark.parametrize("objective", ["dpo", "rm"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_pair_comes_back_the_better_side_with_rank_0(
    objective: Objective, data: st.DataObject
) -> None:
    pair = data.draw(rows(objective))
    [record], codes = told("nemo", pair)
    assert unflat(record["context"]) == (bare(pair.prompt), pair.tools)
    better, worse = record["completions"]
    assert (better["rank"], worse["rank"]) == (0, 1)
    assert unflat(better["completion"]) == (bare(pair.chosen), None)
    assert unflat(worse["completion"]) == (bare(pair.rejected), None)
    assert ("margin_dropped" in codes) == (objective == "rm")


def said_in(items: Sequence[Body]) -> list[Body]:
    """The messages that a request's items were made of."""
    made: list[Body] = []
    for item in items:
        kind = item.get("type")
        if kind == "function_call":
            call = {"id": item["call_id"], "type": "function"}
            call["function"] = {key: item[key] for key in ("name", "arguments")}
            if not made or made[-1]["role"] != "assistant":
                made.append({"role": "assistant", "tool_calls": []})
            made[-1].setdefault("tool_calls", []).append(call)
        elif kind == "function_call_output":
            made.append(result(item["call_id"], item["output"]))
        else:
            role = {"developer": "system"}.get(item["role"], item["role"])
            made.append({"role": role, "content": item["content"]})
    return made


@settings(max_examples=40, deadline=None)
@given(task=rows("rl"))
def test_a_task_comes_back_with_ids_and_tools(task: Row) -> None:
    [record], codes = told("nemo", task)
    request = record["responses_create_params"]
    assert said_in(request["input"]) == [*task.prompt]
    tools = [
        {
            "type": "function",
            "function": {k: v for k, v in t.items() if k not in ("type", "strict")},
        }
        for t in request.get("tools", ())
    ]
    assert (text(tools) if "tools" in request else None) == task.tools
    assert all(one["strict"] is False for one in request.get("tools", ()))
    assert record["expected_answer"] == task.reference and record["scorer"] == "match"
    assert set(codes) <= {"role_renamed"}


def test_a_tool_that_is_strict_stays_so_and_one_without_parameters_has_none() -> None:
    strict = {"type": "function", "function": {"name": "find", "strict": True}}
    [record], _ = told("nemo", row("rl", [USER], tools=text([strict])))
    [made] = record["responses_create_params"]["tools"]
    assert made == {
        "type": "function", "strict": True, "name": "find", "description": None, "parameters": None,
    }  # fmt: skip


def test_what_a_request_has_no_place_for_is_told() -> None:
    prompt = [KIND, USER, ask("c", reasoning_content="hm"), result("c", name="find")]
    [record], codes = told("nemo", row("rl", prompt, tools=text([tool()])))
    assert codes == ["role_renamed", "reasoning_dropped", "name_dropped"]
    assert not {"hm", "name", "reasoning_content"} & {
        key for item in record["responses_create_params"]["input"][-1:] for key in item
    }


def test_a_conversation_with_a_turn_that_must_not_train_is_left_out() -> None:
    given = row("sft", [USER, YES, USER], trainable=(False, False, False, True))
    assert told("nemo", given) == ([], ["row_skipped:mask_inexpressible"])


@pytest.mark.parametrize("prompt", [[], [USER, YES]])
def test_a_task_that_ends_on_an_answer_is_left_out(prompt: list[Body]) -> None:
    assert told("nemo", row("rl", prompt)) == ([], ["row_skipped:role_order"])


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_the_configuration_names_the_files_that_there_are(
    adapted: Write, splits: tuple[Any, ...]
) -> None:
    sides: dict[str, list[Row]] = {"train": corpus("rl")[:2], "test": corpus("rl", "test")[2:]}
    files = adapted("nemo", [one for split in splits for one in sides[split]], "rl").files
    named = [line.split("/")[-1] for line in files["headrace.yaml"].split("\n") if "jsonl" in line]
    assert named == [name for name in ("train.jsonl", "test.jsonl") if name in files]
    assert ("- name: validation" in files["headrace.yaml"]) == ("test" in splits)


def test_arguments_keep_a_real_null_and_a_big_number() -> None:
    arguments = '{"to": null, "n": 9007199254740993}'
    [record], _ = told("nemo", row("sft", [USER], ask("c", arguments=arguments)))
    [call] = record["messages"][-1]["tool_calls"]
    assert json.dumps(call["function"]["arguments"]) == arguments
