import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats.flat import flat
from headrace.lake.message import Body
from tests.corpus import corpus

TOOLS: list[Body] = [{"type": "function", "function": {"name": "refund", "parameters": {}}}]
TAIL = (
    "</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


def told(messages: list[Body], tools: str | None = None) -> tuple[list[Body], list[str]]:
    codes: list[str] = []
    return flat(tuple(messages), tools, codes.append), codes


def call(name: str, arguments: str) -> Body:
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_tools_follow_the_system_text_a_definition_a_line() -> None:
    messages, codes = told([{"role": "system", "content": "Be kind."}], text(TOOLS))
    assert messages == [
        {
            "role": "system",
            "content": "Be kind.\n\n# Tools\n\nYou may call one or more functions to assist with "
            "the user query.\n\nYou are provided with function signatures within <tools></tools> "
            'XML tags:\n<tools>\n{"type": "function", "function": {"name": "refund", "parameters": '
            f"{{}}}}}}\n{TAIL}",
        }
    ]
    assert codes == ["tools_flattened"]


def test_tools_without_a_system_text_become_one() -> None:
    messages, _ = told([{"role": "user", "content": "hi"}], text(TOOLS))
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"].startswith("# Tools\n")


def test_calls_follow_the_text_of_their_turn_and_results_are_one_user_turn() -> None:
    calls = [call("refund", '{"n": 1.50}'), call("refund", "{}")]
    messages, codes = told(
        [
            {"role": "assistant", "content": "Wait.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
            {"role": "tool", "tool_call_id": "c", "content": "no"},
            {"role": "assistant", "tool_calls": calls[1:]},
        ]
    )
    assert messages == [
        {
            "role": "assistant",
            "content": 'Wait.\n<tool_call>\n{"name": "refund", "arguments": {"n": 1.50}}\n'
            '</tool_call>\n<tool_call>\n{"name": "refund", "arguments": {}}\n</tool_call>',
        },
        {
            "role": "user",
            "content": "<tool_response>\nok\n</tool_response>\n"
            "<tool_response>\nno\n</tool_response>",
        },
        {
            "role": "assistant",
            "content": '<tool_call>\n{"name": "refund", "arguments": {}}\n</tool_call>',
        },
    ]
    assert set(codes) == {"calls_flattened"}


def test_plain_talk_loses_nothing() -> None:
    chat: list[Body] = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}]
    assert told(chat) == (chat, [])


@pytest.mark.parametrize(
    ("key", "code"), [("reasoning_content", "reasoning_dropped"), ("name", "name_dropped")]
)
def test_what_is_not_said_aloud_is_dropped_and_told(key: str, code: str) -> None:
    messages, codes = told([{"role": "assistant", "content": "yes", key: "x"}])
    assert messages == [{"role": "assistant", "content": "yes"}]
    assert codes == [code]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
CALLS = st.lists(
    st.builds(call, WORDS, st.dictionaries(WORDS, VALUES, max_size=2).map(text)), min_size=1
)
ASKS = st.fixed_dictionaries({"role": st.just("assistant"), "tool_calls": CALLS})
ASKS_IN_WORDS = ASKS.flatmap(lambda ask: WORDS.filter(bool).map(lambda w: {**ask, "content": w}))
STEPS = st.tuples(ASKS | ASKS_IN_WORDS, st.lists(WORDS, min_size=1, max_size=3))


def parsed(turn: Body) -> tuple[str, list[tuple[str, str]]]:
    """The words of a flat turn and its calls."""
    words, *calls = re.split(r"\n?<tool_call>\n", turn["content"])
    read = [json.loads(one.removesuffix("\n</tool_call>")) for one in calls]
    return words, [(one["name"], text(one["arguments"])) for one in read]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=3), tools=st.lists(VALUES, min_size=1))
def test_calls_results_and_tools_can_be_read_back(
    steps: list[tuple[Body, list[str]]], tools: list[Any]
) -> None:
    chat: list[Body] = []
    for ask, results in steps:
        chat += [ask, *({"role": "tool", "tool_call_id": "c", "content": r} for r in results)]
    (system, *turns), _ = told(chat, text(tools))
    inside = system["content"].split("<tools>\n")[1].split("\n</tools>")[0]
    assert [json.loads(line) for line in re.split("\n", inside)] == tools
    for (ask, results), asked, answered in zip(steps, turns[::2], turns[1::2], strict=True):
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in ask["tool_calls"]]
        assert parsed(asked) == (ask.get("content", ""), calls)
        said = answered["content"].removeprefix("<tool_response>\n")
        said = said.removesuffix("\n</tool_response>")
        assert said.split("\n</tool_response>\n<tool_response>\n") == results
        assert answered["role"] == "user"


def test_the_assistant_turns_stay_one_to_one() -> None:
    for row in corpus("sft"):
        kept = [m for m in flat(row.messages, row.tools, lambda code: None)]
        count = sum(message["role"] == "assistant" for message in row.messages)
        assert sum(message["role"] == "assistant" for message in kept) == count
        assert all(set(message) == {"role", "content"} for message in kept)
