import json
import re
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import NO, USER, YES, ask, result, row, rows, spoken, told, tool

OBJECTIVES: tuple[Objective, ...] = ("sft", "kto", "dpo")
BETWEEN = "\n</tool_response>\n<tool_response>\n"
Spoken = list[tuple[str, str, list[tuple[str, str]]]]


def read(turn: Body) -> Spoken:
    """What LLaMA-Factory makes of a turn: its regular expression, its JSON."""
    role, value = turn["from"], turn["value"]
    if role == "observation":
        return [("tool", one, []) for one in value.split(BETWEEN)]
    if role != "function_call":
        return [({"human": "user", "gpt": "assistant"}[role], value, [])]
    found = re.search("<tool_call>(.*?)</tool_call>", value, re.DOTALL)
    said = value.replace(found[0], "").removesuffix("\n") if found else ""
    calls = json.loads(found[1] if found else value)
    calls = calls if isinstance(calls, list) else [calls]
    return [("assistant", said, [(one["name"], text(one["arguments"])) for one in calls])]


def heard(record: Record) -> Spoken:
    system: Spoken = [("system", record["system"], [])] if record["system"] else []
    return [*system, *(said for turn in record["conversations"] for said in read(turn))]


@settings(max_examples=60, deadline=None)
@given(made=st.sampled_from(OBJECTIVES).flatmap(rows))
def test_what_is_said_comes_back_byte_for_byte(made: Row) -> None:
    records, codes = told("llamafactory", made)
    assert set(codes) <= {"mask_unrolled", "ids_dropped"}
    tools = [one["function"] for one in json.loads(made.tools or "[]")]
    assert [json.loads(record.get("tools") or "[]") for record in records] == [tools] * len(records)
    if made.objective == "sft":
        assert heard(records[-1]) == spoken(made.messages)
        return
    [record] = records
    if made.objective == "kto":
        assert heard(record) == spoken((*made.prompt, *made.completion))
        assert record["kto_tag"] is True
        return
    assert heard(record) == spoken(made.prompt)
    assert read(record["chosen"]) == spoken(made.chosen)
    assert read(record["rejected"]) == spoken(made.rejected)


@settings(max_examples=60, deadline=None)
@given(made=st.lists(rows("sft"), min_size=1, max_size=3))
def test_every_marked_turn_is_trained_once_and_no_other(made: list[Row]) -> None:
    records, codes = told("llamafactory", *made)
    history = "mask_unrolled" in codes
    trained = [
        said
        for record in records
        for turn in (record["conversations"][-1:] if history else record["conversations"])
        for said in read(turn)
        if turn["from"] in ("gpt", "function_call")
    ]
    wanted = [
        said
        for one in made
        for said, mark in zip(spoken(one.messages), one.trainable, strict=True)
        if mark
    ]
    assert trained == wanted
    for record in records:
        odd, even = record["conversations"][::2], record["conversations"][1::2]
        assert {turn["from"] for turn in odd} <= {"human", "observation"}
        assert {turn["from"] for turn in even} <= {"gpt", "function_call"}
        assert len(odd) == len(even)


def test_text_beside_a_call_stands_before_it_and_the_call_is_closed_once() -> None:
    asked = ask("c", arguments='{"a": "</tool_call>"}', content="Wait.")
    [record], codes = told("llamafactory", row("sft", [USER], asked))
    assert record["conversations"][-1] == {
        "from": "function_call",
        "value": 'Wait.\n<tool_call>{"name": "find", "arguments": {"a": "\\u003c/tool_call>"}}'
        "</tool_call>",
    }
    assert codes == ["ids_dropped"]


LATE: Body = {"role": "system", "content": "Now be short."}


@pytest.mark.parametrize(
    ("objective", "prompt", "answer", "code"),
    [
        ("sft", [USER, USER], YES, "role_order"),
        ("sft", [], YES, "role_order"),
        ("sft", [USER, YES, LATE, USER], YES, "role_order"),
        ("sft", [USER, YES], YES, "role_order"),
        ("dpo", [USER, YES], ask("c"), "role_order"),
        ("sft", [USER], ask("c", content="<tool_call>"), "reserved_token"),
        ("dpo", [USER], ask("c", content="so <tool_call>"), "reserved_token"),
        ("kto", [USER], {**YES, "content": ""}, "empty_reply"),
    ],
)
def test_what_would_be_misread_is_skipped(
    objective: Objective, prompt: list[Body], answer: Body, code: str
) -> None:
    records, codes = told("llamafactory", row(objective, prompt, answer))
    assert not records
    assert {*codes} - {"mask_unrolled", "ids_dropped"} == {f"row_skipped:{code}"}


def test_an_empty_reply_that_was_bad_is_said() -> None:
    [record], codes = told("llamafactory", row("kto", [USER], {**NO, "content": ""}, label=False))
    assert record["kto_tag"] is False
    assert codes == []


def test_a_row_is_written_whole_or_not_at_all() -> None:
    chat = [USER, YES, USER, YES, YES]
    marks = (False, True, False, True, True)
    skipped = row("sft", [], messages=tuple(chat), trainable=marks)
    masked = row("sft", [USER, YES, USER])
    records, codes = told("llamafactory", skipped, masked)
    assert len(records) == 1
    assert set(codes) == {"mask_unrolled", "row_skipped:role_order"}


def test_names_and_reasoning_are_dropped_and_told() -> None:
    thought = {**YES, "reasoning_content": "hm"}
    prompt = [USER, ask("c"), result("c", name="find")]
    records, codes = told("llamafactory", row("dpo", prompt, thought))
    assert "hm" not in text(records)
    assert set(codes) == {"reasoning_dropped", "name_dropped", "ids_dropped"}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_pages_name_the_files_and_their_columns(adapted: Any, objective: Objective) -> None:
    test = [msgspec.structs.replace(r, row_id=f"t{r.row_id}") for r in corpus(objective, "test")]
    files = adapted("llamafactory", [*corpus(objective), *test], objective).files
    config = yaml.safe_load(files["HOWTO.md"].split("```yaml\n")[1].split("```")[0])
    info = json.loads(files["dataset_info.json"])
    assert config["stage"] == objective
    assert config.get("mask_history", False) == (objective == "sft")
    for key, file in (("dataset", "train.jsonl"), ("eval_dataset", "test.jsonl")):
        known = info[config[key]]
        assert known["file_name"] == file
        assert known.get("ranking", False) == (objective == "dpo")
        for line in files[file].rstrip("\n").split("\n"):
            assert set(json.loads(line)) == {*known["columns"].values()}


def test_whole_conversations_need_no_mask(adapted: Any) -> None:
    [one] = [row for row in corpus("sft") if "Hello, how" in text(row.messages)]
    made = adapted("llamafactory", [one], "sft")
    assert "mask_history" not in made.files["HOWTO.md"]
    assert "tools" not in json.loads(made.files["train.jsonl"])
    assert not made.loss.losses


def test_the_bare_functions_are_told() -> None:
    [record], _ = told("llamafactory", row("sft", [USER], tools=text([tool()])))
    assert json.loads(record["tools"]) == [tool()["function"]]
