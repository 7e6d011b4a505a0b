import ast
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record, Shape, Written
from headrace.exporters.formats.gemini_howto import howto, reward
from headrace.exporters.formats.gemini_reward import evaluate
from headrace.exporters.formats.loss import HARMLESS, LossReport
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import USER, YES, ask, result, row, rows, spoken, told

OBJECTIVES = FORMATS["gemini"].objectives


def worded(made: Row) -> Row:
    """The row with a word where a user or an assistant says nothing."""

    def said(messages: Any) -> tuple[Body, ...]:
        return tuple(
            {**m, "content": "-"} if m["role"] != "tool" and m.get("content") == "" else m
            for m in messages
        )

    sides = ("messages", "prompt", "chosen", "rejected")
    return msgspec.structs.replace(made, **{side: said(getattr(made, side)) for side in sides})


def inverse(record: Record) -> list[Body]:
    """The messages that a record tells, without ids."""
    heads = record.get("systemInstruction", {"parts": []})["parts"]
    made: list[Body] = [{"role": "system", "content": part["text"]} for part in heads]
    for turn in record["contents"]:
        made += _told(turn)
    return made


def _told(turn: Body) -> list[Body]:
    answers = [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
    if answers:
        return [{"role": "tool", "content": one["response"]["result"]} for one in answers]
    calls = [part["functionCall"] for part in turn["parts"] if "functionCall" in part]
    functions = [
        {"function": {"name": one["name"], "arguments": text(one["args"])}} for one in calls
    ]
    role = {"model": "assistant", "user": "user"}[turn["role"]]
    words = "".join(part.get("text", "") for part in turn["parts"])
    return [{"role": role, "content": words, "tool_calls": functions}]


@settings(max_examples=40, deadline=None)
@given(made=rows("sft").map(worded))
def test_a_conversation_is_a_row_for_each_trained_turn_and_comes_back(made: Row) -> None:
    records, codes = told("gemini", made)
    ends = [at + 1 for at, on in enumerate(made.trainable) if on]
    assert [spoken(tuple(inverse(record))) for record in records] == [
        spoken(made.messages[:end]) for end in ends
    ]
    turns = sum(message["role"] == "assistant" for message in made.messages)
    assert ("mask_unrolled" in codes) == (turns > 1)
    assert ("mask_inexpressible" in codes) == made.is_masked
    assert set(codes) - {"mask_inexpressible"} <= {"mask_unrolled", "ids_dropped"} <= HARMLESS


@settings(max_examples=40, deadline=None)
@given(made=rows("dpo").map(worded))
def test_a_pair_of_texts_comes_back_and_one_with_calls_is_left_out(made: Row) -> None:
    records, codes = told("gemini", made)
    if made.chosen[0].get("tool_calls"):
        assert (records, codes) == ([], ["row_skipped:tool_reply_unsupported"])
        return
    [record] = records
    assert spoken(tuple(inverse(record))) == spoken(made.prompt)
    good, bad = record["completions"]
    assert (good["score"], bad["score"]) == (1, 0)
    sides = (good["completion"], bad["completion"])
    said = [spoken(tuple(_told(side))) for side in sides]
    assert said == [spoken(made.chosen), spoken(made.rejected)]


@settings(max_examples=30, deadline=None)
@given(made=rows("rl").map(worded), rate=st.none() | st.floats(0, 1))
def test_a_task_comes_back_and_its_references_are_texts(made: Row, rate: float | None) -> None:
    made = msgspec.structs.replace(made, pass_rate=rate, policy=None if rate is None else "m")
    [record], codes = told("gemini", made)
    assert spoken(tuple(inverse(record))) == spoken(made.prompt)
    known = record["references"]
    assert all(isinstance(value, str) for value in known.values())
    assert json.loads(known["samples"]) == 0 and known["reference"] == "42"
    assert ("policy" in known) == ("pass_rate" in known) == (rate is not None)
    assert rate is None or json.loads(known["pass_rate"]) == rate
    assert set(codes) <= {"ids_dropped"}


@given(order=st.permutations(range(3)))
def test_results_stand_in_the_order_of_their_calls_in_one_turn(order: list[int]) -> None:
    asked = ask("a", "b", "c")
    answers = [result("abc"[at], f"of {at}") for at in order]
    [record], _ = told("gemini", row("sft", [USER, asked, *answers]))
    assert [turn["role"] for turn in record["contents"]] == ["user", "model", "user", "model"]
    found = [part["functionResponse"] for part in record["contents"][2]["parts"]]
    assert found == [{"name": "find", "response": {"result": f"of {at}"}} for at in range(3)]


def test_results_of_one_id_answer_their_calls_one_after_another() -> None:
    prompt = [USER, ask("a", "a"), result("a", "one"), result("a", "two")]
    [record], _ = told("gemini", row("sft", prompt))
    assert [one["content"] for one in inverse(record) if one["role"] == "tool"] == ["one", "two"]


@pytest.mark.parametrize(
    ("parameters", "made"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "parameters"),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"type": "integer"}, "title": "A"}},
                "additionalProperties": False,
            },
            "parameters",
        ),
        ({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, None),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {}}, None),
        ({"type": "object", "properties": {"a": {"enum": [1, 2]}}}, None),
        ({"type": "object", "properties": {"a": {"anyOf": [{"const": 1}]}}}, None),
        ({"type": "object", "properties": {"a": {"items": {"exclusiveMinimum": 1}}}}, None),
        ({"type": "object", "additionalProperties": False}, None),
    ],
)
def test_a_schema_that_google_s_own_dialect_has_no_words_for_is_json_schema(
    parameters: Body, made: str | None
) -> None:
    tools = [{"type": "function", "function": {"name": "find", "parameters": parameters}}]
    [record], _ = told("gemini", row("sft", [USER], tools=text(tools)))
    field = made or "parametersJsonSchema"
    assert record["tools"] == [{"functionDeclarations": [{"name": "find", field: parameters}]}]


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}])
def test_a_function_without_parameters_has_no_schema(parameters: Body | None) -> None:
    given = {} if parameters is None else {"parameters": parameters}
    function = {"name": "now", "description": "d", "strict": True, **given}
    [record], _ = told(
        "gemini", row("sft", [USER], tools=text([{"type": "function", "function": function}]))
    )
    declared = [{"name": "now", "description": "d"}]
    assert record["tools"] == [{"functionDeclarations": declared}]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_reasoning_and_names_are_dropped_and_told(objective: Objective) -> None:
    thought = {**YES, "reasoning_content": "hm"}
    given = [{**USER, "name": "Ann"}, thought, USER]
    records, codes = told("gemini", row(objective, given))
    assert "hm" not in text(records) and "Ann" not in text(records)
    told_of = set(codes) - {"mask_inexpressible"}  # the first answer is context
    assert {"reasoning_dropped", "name_dropped"} <= told_of <= HARMLESS


def test_the_name_of_the_tool_on_its_result_is_said_by_the_result() -> None:
    same = row("sft", [USER, ask("c"), result("c", name="find")])
    other = row("sft", [USER, ask("c"), result("c", name="look")])
    assert "name_dropped" not in told("gemini", same)[1]
    assert "name_dropped" in told("gemini", other)[1]


def test_system_texts_are_one_instruction_and_empty_ones_none() -> None:
    heads = [{"role": "system", "content": content} for content in ("Be kind.", "", "Be brief.")]
    [record], _ = told("gemini", row("sft", [*heads, USER]))
    parts = [{"text": "Be kind."}, {"text": "Be brief."}]
    assert record["systemInstruction"] == {"role": "system", "parts": parts}
    assert "systemInstruction" not in told("gemini", row("sft", [heads[1], USER]))[0][0]


def test_the_corpus_says_every_trained_turn_once() -> None:
    for made in corpus("sft"):
        records, _ = told("gemini", made)
        assert len(records) == sum(made.trainable)
        assert all(record["contents"][-1]["role"] == "model" for record in records)


RIGHT = text([{"name": "find", "arguments": '{"id": 1, "b": 2}'}, {"name": "now", "arguments": ""}])
CALL: Body = {"functionCall": {"name": "find", "args": {"b": 2, "id": 1.0}}}
NOW: Body = {"functionCall": {"name": "now"}}


@pytest.mark.parametrize(
    ("scorer", "reference", "parts", "worth"),
    [
        ("match", "Straße 1", [{"text": "hm", "thought": True}, {"text": " STRASSE  1"}], 1),
        ("match", "Straße 1", [{"text": "Straße 2"}], 0),
        ("match", "Straße 1", [], 0),
        ("tool_calls", RIGHT, [{"text": "So:"}, NOW, CALL], 1),
        ("tool_calls", RIGHT, [CALL], 0),
        ("tool_calls:strict@2", RIGHT, [CALL, NOW], 1),
    ],
)
def test_the_reward_scores_as_the_suite_does_and_runs_alone(
    scorer: str, reference: str, parts: list[Body], worth: float
) -> None:
    example = {"references": {"scorer": scorer, "reference": reference}}
    alone: dict[str, Any] = {}
    exec(reward(), alone)
    assert evaluate(example, {"parts": parts}) == worth
    assert alone["evaluate"](example, {"parts": parts}) == worth


def written(objective: Objective, **files: str) -> Written:
    shape = Shape.of("Refunds, 2026", objective, RowFile.of([]))
    report = LossReport(format="gemini")
    return Written(shape=shape, files=files, columns=(), longest=9, loss=report)  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_page_names_the_files_that_there_are_and_the_method(objective: Objective) -> None:
    both = howto(written(objective, train="train.jsonl", test="test.jsonl"))
    [block] = re.findall(r"```python\n(.*?)```", both, re.DOTALL)
    ast.parse(block)
    assert 'gcs_uri="gs://BUCKET/Refunds-2026/test.jsonl"' in both
    assert {"sft": "SUPERVISED", "dpo": "PREFERENCE", "rl": "REINFORCEMENT"}[objective] in both
    one = howto(written(objective, train="train.jsonl"))
    assert "validation_dataset" not in one and "test.jsonl" not in one
    assert ("reward.py" in one) == (objective == "rl")


def test_a_set_of_which_nothing_can_be_said_still_has_its_page() -> None:
    assert told("gemini", row("dpo", [USER], ask("c")))[0] == []
    assert "gs://BUCKET/Refunds-2026/train.jsonl" in howto(written("dpo"))
