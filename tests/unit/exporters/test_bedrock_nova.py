import ast
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import calls, text
from headrace.exporters.formats.bedrock_nova import ID, RESERVED, unique
from headrace.exporters.formats.dialect import Record, Shape, Written
from headrace.exporters.formats.loss import HARMLESS, LossReport
from headrace.exporters.formats.nova_grader import lambda_handler
from headrace.exporters.formats.nova_howto import grader, howto
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.row import Messages, Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import USER, YES, ask, result, row, rows, spoken, told, tool

FORMAT = "bedrock-nova"
OBJECTIVES = FORMATS[FORMAT].objectives


def worded(made: Row) -> Row:
    """The row with a word where a user or an assistant says nothing, each tool once, and nothing
    that is reserved."""

    def said(messages: Messages) -> Messages:
        return tuple(
            {**m, "content": "-"} if m["role"] != "tool" and m.get("content") == "" else m
            for m in messages
        )

    sides = ("messages", "prompt", "chosen", "rejected")
    tools = None if made.tools is None else text([tool("find"), tool("re-fund_2")])
    return msgspec.structs.replace(
        made, tools=tools, **{side: said(getattr(made, side)) for side in sides}
    )


def inverse(record: Record) -> list[Body]:
    """The messages that a record tells, a pair without its candidates."""
    made: list[Body] = [{"role": "system", "content": p["text"]} for p in record.get("system", ())]
    for turn in record["messages"]:
        if turn["role"] == "assistant" and "content" in turn:
            made.append(answer(turn["content"]))
        elif "content" in turn:
            made += [heard(part) for part in turn["content"]]
    return made


def answer(content: list[Body]) -> Body:
    uses = [part["toolUse"] for part in content if "toolUse" in part]
    functions = [{"name": one["name"], "arguments": text(one["input"])} for one in uses]
    words = "".join(part.get("text", "") for part in content)
    return {
        "role": "assistant",
        "content": words,
        "tool_calls": [{"function": function} for function in functions],
    }


def heard(part: Body) -> Body:
    if "text" in part:
        return {"role": "user", "content": part["text"]}
    return {"role": "tool", "content": part["toolResult"]["content"][0]["text"]}


@settings(max_examples=40, deadline=None)
@given(made=rows("sft").map(worded))
def test_a_conversation_is_a_row_for_each_trained_turn_and_comes_back(made: Row) -> None:
    records, codes = told(FORMAT, made)
    ends = [at + 1 for at, on in enumerate(made.trainable) if on]
    assert [spoken(tuple(inverse(record))) for record in records] == [
        spoken(made.messages[:end]) for end in ends
    ]
    for record in records:
        roles = [turn["role"] for turn in record["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert ("mask_inexpressible" in codes) == made.is_masked
    known = {"mask_unrolled", "ids_rewritten", "content_filled"}
    assert set(codes) - {"mask_inexpressible"} <= known <= HARMLESS


@settings(max_examples=40, deadline=None)
@given(made=rows("dpo").map(worded))
def test_a_pair_of_texts_comes_back_and_one_with_calls_is_left_out(made: Row) -> None:
    records, codes = told(FORMAT, made)
    if made.chosen[0].get("tool_calls"):
        assert (records, codes) == ([], ["row_skipped:tool_reply_unsupported"])
        return
    [record] = records
    assert spoken(tuple(inverse(record))) == spoken(made.prompt)
    good, bad = record["messages"][-1]["candidates"]
    assert [one["preferenceLabel"] for one in (good, bad)] == ["preferred", "non-preferred"]
    sides = [spoken((answer(one["content"]),)) for one in (good, bad)]
    assert sides == [spoken(made.chosen), spoken(made.rejected)]
    assert ("toolConfig" in record) == (made.tools is not None)


@settings(max_examples=30, deadline=None)
@given(made=rows("rl").map(worded))
def test_a_task_comes_back_unless_a_tool_has_answered_in_it(made: Row) -> None:
    records, codes = told(FORMAT, made)
    if any(message["role"] == "tool" for message in made.prompt):
        assert (records, codes) == ([], ["row_skipped:tool_reply_unsupported"])
        return
    [record] = records
    assert record["messages"] == [*made.prompt]
    assert record["reference_answer"] == {"scorer": "match", "reference": "42"}
    assert (record["id"], record["samples"], "pass_rate" in record) == ("t", 0, False)


@st.composite
def called(draw: st.DrawFn) -> list[Body]:
    """Calls and their results in any order, with ids that come twice or are not fit."""
    ids = st.sampled_from(["c1", "call_1_0", "call_3_0_", "x y", "ö", "z" * 65])
    made: list[Body] = [USER]
    for _ in range(draw(st.integers(1, 3))):
        names = draw(st.lists(ids, min_size=1, max_size=3))
        made += [ask(*names), *(result(id, id) for id in draw(st.permutations(names))), USER]
    return made


@settings(max_examples=60, deadline=None)
@given(messages=called())
def test_every_call_has_an_id_of_its_own_and_each_result_the_id_of_its_call(
    messages: list[Body],
) -> None:
    made = unique(tuple(messages))
    old, new = ([call["id"] for call in calls(one)] for one in (messages, made))
    assert len(set(new)) == len(new) and all(map(ID.fullmatch, new))
    assert {id for id in old if ID.fullmatch(id)} <= set(new)
    first = dict(zip(reversed(old), reversed(new), strict=True))
    assert all(first[id] == id for id in first if ID.fullmatch(id))
    named = dict(zip(new, old, strict=True))
    answers = [message for message in made if message["role"] == "tool"]
    assert [named[one["tool_call_id"]] for one in answers] == [one["content"] for one in answers]
    assert sorted(one["tool_call_id"] for one in answers) == sorted(new)
    assert unique(made) == made


def test_ids_that_are_fit_stay_and_others_are_told() -> None:
    fit = row("sft", [USER, ask("a:1", "b"), result("a:1"), result("b")])
    assert unique(fit.messages) == fit.messages
    assert "ids_rewritten" not in told(FORMAT, fit)[1]
    twice = row("sft", [USER, ask("c"), result("c"), YES, USER, ask("c"), result("c")])
    [record], codes = told(FORMAT, twice)
    uses = [
        p["toolUse"]["toolUseId"]
        for m in record["messages"]
        for p in m["content"]
        if "toolUse" in p
    ]
    assert uses == ["c", "call_5_0"] and "ids_rewritten" in codes


def test_results_and_what_the_user_says_after_them_are_one_turn() -> None:
    prompt = [USER, ask("a", "b"), result("a", "1"), result("b", "2"), USER]
    [record], _ = told(FORMAT, row("sft", prompt))
    assert [turn["role"] for turn in record["messages"]] == ["user", "assistant"] * 2
    assert [next(iter(part)) for part in record["messages"][2]["content"]] == [
        "toolResult", "toolResult", "text",
    ]  # fmt: skip


def test_two_answers_in_a_row_cannot_be_told_apart_but_in_a_task() -> None:
    prompt = [USER, YES, YES, USER]
    for objective in OBJECTIVES:
        records, codes = told(FORMAT, row(objective, prompt))
        assert codes == ([] if objective == "rl" else ["row_skipped:role_order"])
        assert len(records) == (objective == "rl")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_tools_of_one_name_and_a_second_system_text_of_a_task_are_refused(
    objective: Objective,
) -> None:
    same = row(objective, [USER], tools=text([tool(), tool()]))
    assert told(FORMAT, same) == ([], ["row_skipped:tool_name"])
    heads: list[Body] = [{"role": "system", "content": "Be kind."}] * 2
    records, codes = told(FORMAT, row(objective, [*heads, USER]))
    assert codes == (["row_skipped:role_order"] if objective == "rl" else [])


WORDS = ["System:", "USER:", "Bot:", "assistant:", "Thought:", "[EOS]", "<image>", "<VIDEO>"]


@pytest.mark.parametrize("word", [*WORDS, "<unk>"])
@pytest.mark.parametrize(
    "said",
    [
        lambda word: [{"role": "system", "content": word}, USER],
        lambda word: [{"role": "user", "content": f"Write {word} first"}],
        lambda word: [USER, {"role": "assistant", "content": f"a{word}b"}, USER],
        lambda word: [USER, ask("c"), result("c", word), USER],
        lambda word: [USER, ask("c", arguments=text({"to": word})), result("c"), USER],
    ],
)
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_a_reserved_word_in_any_text_leaves_the_row_out(
    objective: Objective, word: str, said: Callable[[str], list[Body]]
) -> None:
    made = row(objective, said(word))
    assert told(FORMAT, made) == ([], ["row_skipped:reserved_token"])


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_reserved_word_in_a_side_or_a_task_leaves_the_row_out(side: str) -> None:
    bad: dict[str, Any] = {side: ({"role": "assistant", "content": "user: hi"},)}
    assert told(FORMAT, row("dpo", [USER], **bad))[1] == ["row_skipped:reserved_token"]
    asked: Body = {"role": "user", "content": "<unk>"}
    assert told(FORMAT, row("rl", [asked]))[1] == ["row_skipped:reserved_token"]


def test_names_of_arguments_and_reasoning_are_no_reserved_words() -> None:
    thought = {**YES, "reasoning_content": "User: hi"}
    prompt = [USER, ask("c", arguments='{"user": "Ann"}'), result("c"), thought, USER]
    records, codes = told(FORMAT, row("sft", prompt))
    assert len(records) == 1 and codes == [
        "mask_inexpressible",
        "mask_unrolled",
        "reasoning_dropped",
    ]
    assert not RESERVED.search("users, a user, bots")


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    ("function", "description", "schema", "filled"),
    [
        ({"description": "Look."}, "Look.", {}, False),
        ({"description": " "}, "find", {}, True),
        ({"parameters": {"properties": {"a": {}}}}, "find", {"properties": {"a": {}}}, True),
        ({"description": "Look.", "strict": True, "parameters": None}, "Look.", {}, False),
    ],
)
def test_a_tool_has_a_description_and_a_schema_of_an_object(
    objective: Objective, function: Body, description: str, schema: Body, filled: bool
) -> None:
    tools = text([{"type": "function", "function": {"name": "find", **function}}])
    [record], codes = told(FORMAT, row(objective, [USER], tools=tools))
    whole = {"type": "object", "properties": {}, **schema}
    assert ("content_filled" in codes) == filled
    if objective == "rl":
        made = {"name": "find", "description": description, "parameters": whole}
        assert record["tools"] == [{"type": "function", "function": made}]
        return
    [spec] = record["toolConfig"]["tools"]
    made = {"name": "find", "description": description, "inputSchema": {"json": whole}}
    assert spec == {"toolSpec": made}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_reasoning_and_names_are_dropped_and_told(objective: Objective) -> None:
    thought = {**YES, "reasoning_content": "hm"}
    records, codes = told(FORMAT, row(objective, [{**USER, "name": "Ann"}, thought, USER]))
    assert "hm" not in text(records) and "Ann" not in text(records)
    told_of = set(codes) - {"mask_inexpressible"}  # the first answer is context
    assert {"reasoning_dropped", "name_dropped"} <= told_of <= HARMLESS


def test_the_corpus_says_every_trained_turn_once() -> None:
    for made in corpus("sft"):
        assert len(told(FORMAT, made)[0]) == sum(made.trainable)


FIND: Body = {"function": {"name": "find", "arguments": '{"b": 2, "id": 1.0}'}}
RIGHT = text([{"name": "find", "arguments": '{"id": 1, "b": 2}'}])


@pytest.mark.parametrize(
    ("scorer", "reference", "last", "worth"),
    [
        ("match", "Straße 1", {"content": " STRASSE  1"}, 1),
        ("match", "Straße 1", {"content": "Straße 2"}, 0),
        ("match", "Straße 1", {"content": None}, 0),
        ("tool_calls", RIGHT, {"content": None, "tool_calls": [FIND]}, 1),
        ("tool_calls@2", RIGHT, {"content": "find"}, 0),
    ],
)
def test_the_grader_scores_as_the_suite_does_and_runs_alone(
    scorer: str, reference: str, last: Body, worth: float
) -> None:
    told = {"reference_answer": {"scorer": scorer, "reference": reference}}
    messages = [USER, {"role": "assistant", **last}]
    samples = [
        {"id": "a", "messages": messages, **told},
        {"id": "b", "messages": messages, "metadata": told},
    ]
    alone: dict[str, Any] = {}
    exec(grader(), alone)
    scores = [{"id": id, "aggregate_reward_score": worth} for id in "ab"]
    assert lambda_handler(samples, None) == alone["lambda_handler"](samples, None) == scores


def written(objective: Objective, name: str = "refunds", **files: str) -> Written:
    shape = Shape.of(name, objective, RowFile.of([]))
    report = LossReport(format=FORMAT)
    return Written(shape=shape, files=files, columns=(), longest=9, loss=report)  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_lines_are_a_program_over_the_files_that_there_are(objective: Objective) -> None:
    both = code(howto(written(objective, train="train.jsonl", test="test.jsonl")))
    assert "s3://BUCKET/refunds/train.jsonl" in both
    assert ("test.jsonl" in both) == (objective != "rl")
    one = code(howto(written(objective, train="train.jsonl")))
    assert "test.jsonl" not in one and ("lambdaArn" in one) == (objective == "rl")
    assert code(howto(written(objective)))


@pytest.mark.parametrize("name", ["a__b--c", "_x_", "ü", "r" * 99])
def test_a_job_is_called_as_jobs_may_be(name: str) -> None:
    [job] = re.findall(r'jobName="(.*)"', howto(written("sft", name, train="train.jsonl")))
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9+.-])*", job) and len(job) <= 60
    assert re.fullmatch(r"([0-9a-zA-Z][_-]?)+", job)


def code(page: str) -> str:
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    ast.parse(block)
    return str(block)
