import json
from itertools import groupby
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import NO, TOOLS, USER, YES, ask, result, row, rows, spoken, told, tool

OBJECTIVES: tuple[Objective, ...] = ("sft", "kto", "dpo", "rm", "rl")
Spoken = list[tuple[str, str, list[tuple[str, str]]]]


def heard(messages: list[Body]) -> Spoken:
    """What ms-swift makes of messages: texts and calls of one turn are glued together."""
    made: Spoken = []
    for answer, group in groupby(messages, key=lambda m: m["role"] in ("assistant", "tool_call")):
        said = [*group]
        if not answer:
            made += [(m["role"].removesuffix("_response"), m["content"], []) for m in said]
            continue
        words = "".join(m["content"] for m in said if m["role"] == "assistant")
        calls = [json.loads(m["content"]) for m in said if m["role"] == "tool_call"]
        made.append(("assistant", words, [(c["name"], text(c["arguments"])) for c in calls]))
    return made


def marks(messages: list[Body]) -> list[bool]:
    """Of each turn of the assistant; all messages of a turn have the same."""
    turns = groupby(messages, key=lambda m: m["role"] in ("assistant", "tool_call"))
    found = [{message["loss"] for message in group} for answer, group in turns if answer]
    assert all(len(marks) == 1 for marks in found)
    return [mark for marks in found for mark in marks]


@settings(max_examples=80, deadline=None)
@given(made=st.sampled_from(OBJECTIVES).flatmap(rows))
def test_what_is_said_comes_back_byte_for_byte(made: Row) -> None:
    [record], codes = told("ms-swift", made)
    assert {*codes} <= {"ids_dropped"}
    assert (record.get("tools") or None) == made.tools
    sides = {
        "messages": (*made.messages, *made.prompt, *made.completion, *made.chosen),
        "rejected_messages": (*made.prompt, *made.rejected),
    }
    for name in {*sides} & {*record}:
        assert heard(record[name]) == spoken(sides[name])
        assert all(isinstance(message["content"], str) for message in record[name])
    assert ("rejected_messages" in record) == (made.objective in ("dpo", "rm"))


@settings(max_examples=60, deadline=None)
@given(made=st.sampled_from(OBJECTIVES).flatmap(rows))
def test_every_trained_turn_is_marked_and_no_other(made: Row) -> None:
    [record], _ = told("ms-swift", made)
    if made.objective == "sft":
        turns = zip(made.messages, made.trainable, strict=True)
        wanted = [mark for message, mark in turns if message["role"] == "assistant"]
        assert marks(record["messages"]) == wanted
        return
    for name in {"messages", "rejected_messages"} & {*record}:
        *context, last = marks(record[name]) or [False]
        assert last == (made.objective != "rl")
        assert not any(context)


@settings(max_examples=30, deadline=None)
@given(made=st.lists(TOOLS, min_size=1, max_size=3))
def test_tools_are_text_in_every_row_or_in_none(made: list[str | None]) -> None:
    records, _ = told("ms-swift", *(row("dpo", [USER], tools=tools) for tools in made))
    wanted = [tools or "[]" for tools in made] if any(made) else [None] * len(made)
    assert [record.get("tools") for record in records] == wanted
    assert [record.get("rejected_tools") for record in records] == wanted


def test_results_stand_in_the_order_of_their_calls() -> None:
    prompt = [USER, ask("c1", "c2"), result("c2", "two", name="find"), result("c1", "one")]
    [record], codes = told("ms-swift", row("sft", prompt))
    answers = [m for m in record["messages"] if m["role"] == "tool_response"]
    assert [message["content"] for message in answers] == ["one", "two"]
    assert codes == ["ids_dropped", "name_dropped"]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("prompt", [[USER, USER], [USER, YES], []])
def test_what_would_be_glued_together_is_skipped(objective: Objective, prompt: list[Body]) -> None:
    if objective == "rl":
        prompt = [USER, YES, YES]
    records, codes = told("ms-swift", row(objective, prompt))
    assert not records
    assert codes == ["row_skipped:role_order"]


def test_a_margin_is_a_column_of_all_pairs_or_of_none() -> None:
    known, unknown = (row("rm", [USER], margin=margin) for margin in (0.5, None))
    [record], _ = told("ms-swift", known)
    assert record["margin"] == 0.5
    records, codes = told("ms-swift", known, unknown)
    assert ["margin" in record for record in records] == [False, False]
    assert codes == ["margin_dropped"]


def test_a_label_and_the_columns_of_a_task_are_kept() -> None:
    [record], _ = told("ms-swift", row("kto", [USER], NO, label=False))
    assert record["label"] is False
    task = row("rl", [USER], tools=text([tool()]), pass_rate=0.5, samples=2, policy="p")
    [record], _ = told("ms-swift", task)
    assert {key: record[key] for key in record if key != "messages"} == {
        "task_id": "t", "scorer": "match", "reference": "42", "pass_rate": 0.5, "samples": 2,
        "policy": "p", "tools": task.tools,
    }  # fmt: skip


def test_reasoning_is_dropped_and_told() -> None:
    records, codes = told("ms-swift", row("sft", [USER], {**YES, "reasoning_content": "hm"}))
    assert "hm" not in text(records)
    assert codes == ["reasoning_dropped"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_page_has_a_command_over_the_files_that_there_are(
    adapted: Any, objective: Objective
) -> None:
    test = [msgspec.structs.replace(r, row_id=f"t{r.row_id}") for r in corpus(objective, "test")]
    files = adapted("ms-swift", [*corpus(objective), *test], objective).files
    command = files["HOWTO.md"].split("```bash\n")[1].split("```")[0].replace("\\\n", " ").split()
    options = dict(zip(command, command[1:], strict=False))
    assert (options["--dataset"], options["--val_dataset"]) == ("train.jsonl", "test.jsonl")
    kinds = {"sft": None, "rl": "grpo"}
    assert options.get("--rlhf_type") == kinds.get(objective, objective)
    assert options.get("--external_plugins") == ("reward.py" if objective == "rl" else None)
    assert ("reward.py" in files) == (objective == "rl")


def test_the_reward_is_a_module_that_registers_what_the_command_names(adapted: Any) -> None:
    files = adapted("ms-swift", corpus("rl"), "rl").files
    code = compile(files["reward.py"], "reward.py", "exec")
    assert {"trl_reward", "orms"} <= {*code.co_names}
    assert 'orms["headrace"]' in files["reward.py"]
    assert "--reward_funcs headrace" in files["HOWTO.md"]
