"""TRL's prompts: nothing of a row is lost on the way to the reward, and the page is a program."""

import ast
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from headrace.curate.conversation import Conversation
from headrace.curate.draft import Draft
from headrace.exporters.call import text
from headrace.exporters.row import Messages, Rate, Row
from headrace.lake.message import Body
from tests.corpus import corpus

Make = Callable[..., Conversation]
Write = Callable[..., Any]
COLUMNS = ["task_id", "scorer", "reference", "pass_rate", "samples", "policy"]

WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
)
CALLS = st.builds(
    lambda id, name, given: {
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": text(given)},
    },
    st.text(alphabet="abc", min_size=1, max_size=4),
    WORDS,
    st.dictionaries(WORDS, VALUES, max_size=3),
)
ASKED = st.builds(lambda content: {"role": "user", "content": content}, WORDS)
TURNS = st.builds(
    lambda content, made: {"role": "assistant", "content": content, "tool_calls": made},
    st.none() | WORDS,
    st.lists(CALLS, min_size=1, max_size=2),
)
RATES = st.builds(
    Rate,
    passed=st.integers(0, 3),
    samples=st.integers(3, 9),
    models=st.lists(st.sampled_from(["big", "small"]), max_size=2).map(tuple),
)


def records(made: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.files["train.jsonl"].rstrip("\n").split("\n")]


def back(prompt: Sequence[Body]) -> Messages:
    """The canonical messages of a record: what the adapter did, undone."""
    return tuple(_message(message) for message in prompt)


def _message(message: Body) -> Body:
    made = dict(message)
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [
            {
                **call,
                "function": {
                    "name": call["function"]["name"],
                    "arguments": text(call["function"]["arguments"]),
                },
            }
            for call in calls
        ]
        if not made["content"]:
            del made["content"]
    return made


def without_empty(messages: Messages) -> Messages:
    """Empty text beside calls is no text: TRL's files cannot tell the two apart."""
    return tuple(
        {k: v for k, v in m.items() if k != "content" or v or "tool_calls" not in m}
        for m in messages
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    talk=st.lists(ASKED | TURNS, max_size=4),
    target=WORDS | st.lists(st.fixed_dictionaries({"name": WORDS, "arguments": WORDS}), max_size=2),
    rate=RATES | st.just(Rate()),
)
def test_a_row_comes_back_from_its_record(
    adapted: Write, episode: Make, talk: list[Body], target: Any, rate: Rate
) -> None:
    scorer = "match" if isinstance(target, str) else "tool_calls"
    row = Row.rl(
        episode(), Draft(messages=tuple(talk), target=target, scorer=scorer), "train", rate
    )
    [record] = records(adapted("trl", [row], "rl"))
    assert back(record["prompt"]) == without_empty(row.prompt)
    assert {name: record[name] for name in COLUMNS} == {
        name: getattr(row, name) for name in COLUMNS
    }
    assert text(record["tools"]) == row.tools


def test_nothing_is_lost_that_would_change_the_training(adapted: Write) -> None:
    made = adapted("trl", corpus("rl"), "rl")
    assert made.loss.harmful == ()
    assert [loss.code for loss in made.loss.losses] == ["content_filled", "reasoning_dropped"]


def page(made: Any) -> tuple[str, set[str]]:
    """The program, and the names in it."""
    [code] = re.findall(r"```python\n(.*?)```", made.files["HOWTO.md"], re.DOTALL)
    nodes = ast.walk(ast.parse(code))
    return code, {node.id for node in nodes if isinstance(node, ast.Name)}


@pytest.mark.parametrize("sides", [("train",), ("train", "test")])
@pytest.mark.parametrize("tools", [True, False])
def test_the_page_is_a_program_over_the_files_that_there_are(
    adapted: Write, sides: Sequence[Any], tools: bool
) -> None:
    found = [row for row in corpus("rl") if tools or row.tools is None]
    rows = [replace(row, split=sides[i % len(sides)]) for i, row in enumerate(found)]
    made = adapted("trl", rows, "rl")
    code, names = page(made)
    assert {"GRPOTrainer", "GRPOConfig", "trl_reward"} <= names
    assert re.findall(r'data_files="(\w+\.jsonl)", features=features', code) == [
        f"{side}.jsonl" for side in sides
    ]
    assert ("apply_chat_template" in code) == tools
    assert f"train_dataset={'prompts(train)' if tools else 'train'}," in code
    declared = set(re.findall(r'^    "(\w+)": (?:List|Value)\(', code, re.MULTILINE))
    assert all(set(record) == declared for record in records(made))
