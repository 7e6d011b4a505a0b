"""Canonical messages and tool definitions as Inspect's, nothing lost that a model would read."""

from typing import Any

import pytest
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageTool,
    ContentImage,
    ContentText,
)

from headrace.evals.solvers.chat import chat, tool_infos


def test_a_conversation_with_tools_keeps_roles_calls_and_results() -> None:
    call = {"id": "c7", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    messages = chat(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c7", "content": "found"},
        ]
    )
    assert [m.role for m in messages] == ["system", "system", "user", "assistant", "tool"]
    asking, result = messages[3], messages[4]
    assert isinstance(asking, ChatMessageAssistant) and isinstance(result, ChatMessageTool)
    [made] = asking.tool_calls or []
    assert (made.id, made.function, made.arguments) == ("c7", "look", {"q": 1})
    assert (result.tool_call_id, result.function, result.text) == ("c7", "look", "found")


def test_arguments_that_are_no_object_are_kept_as_they_were_written() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{broken"}}
    [message] = chat([{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert isinstance(message, ChatMessageAssistant)
    [made] = message.tool_calls or []
    assert made.arguments == {"arguments": "{broken"}


def test_an_image_stays_an_image() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    [message] = chat([{"role": "user", "content": [{"type": "text", "text": "See:"}, image]}])
    assert message.content == [
        ContentText(text="See:"),
        ContentImage(image="data:image/png;base64,AAAA"),
    ]


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    [message] = chat([{"role": "user", "content": parts}])
    assert message.content == "one\ntwo"


def test_tool_definitions_keep_their_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"q": {"type": "string", "enum": ["a", "b"]}, "n": {"type": ["integer"]}},
        "required": ["q"],
    }
    look = {"type": "function", "function": {"name": "look", "parameters": schema}}
    bare = {"type": "function", "function": {"name": "bare"}}
    found, empty = tool_infos([look, bare])
    assert (found.name, found.description) == ("look", "look")
    assert found.parameters.required == ["q"]
    assert found.parameters.properties["q"].enum == ["a", "b"]
    assert empty.parameters.properties == {}


def call(name: str, arguments: str = "{}", call_id: str = "c0") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_result_is_that_of_the_last_call_of_its_id() -> None:
    """Some models count their ids anew each turn."""
    messages: list[Any] = []
    for name in ("look", "pay"):
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call(name)]},
            {"role": "tool", "tool_call_id": "c0", "content": "done"},
        ]
    results = [m.function for m in chat(messages) if isinstance(m, ChatMessageTool)]
    assert results == ["look", "pay"]


def test_a_result_without_its_call_keeps_what_it_says() -> None:
    [with_id, without] = chat(
        [
            {"role": "tool", "tool_call_id": "gone", "content": "found"},
            {"role": "tool", "content": "found"},
        ]
    )
    assert isinstance(with_id, ChatMessageTool) and isinstance(without, ChatMessageTool)
    assert (with_id.text, with_id.tool_call_id, with_id.function) == ("found", "gone", None)
    assert (without.text, without.tool_call_id) == ("found", None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{}", {}),
        ("", {}),
        ('{"q": [1, {"a": null}]}', {"q": [1, {"a": None}]}),
        ("[1]", {"arguments": "[1]"}),
        ("null", {"arguments": "null"}),
        ('"text"', {"arguments": '"text"'}),
        ("{broken", {"arguments": "{broken"}),
    ],
)
def test_arguments_are_read_as_an_object_or_kept_as_written(
    written: str, read: dict[str, Any]
) -> None:
    [message] = chat([{"role": "assistant", "content": "", "tool_calls": [call("f", written)]}])
    assert isinstance(message, ChatMessageAssistant)
    assert [made.arguments for made in message.tool_calls or []] == [read]


def test_reasoning_of_another_model_is_left_out() -> None:
    body = {"role": "assistant", "content": "Paris", "reasoning_content": "They ask for France."}
    [message] = chat([body])
    assert message.content == "Paris"
    assert "They ask" not in message.model_dump_json()


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"properties": None}])
def test_a_tool_without_parameters_takes_none(schema: Any) -> None:
    [found] = tool_infos([{"type": "function", "function": {"name": "f", "parameters": schema}}])
    assert (found.parameters.properties, found.parameters.required) == ({}, [])


@pytest.mark.parametrize(
    "given",
    [
        {"type": "string", "enum": ["a", "b"]},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"description": "anything"},
        {},
    ],
)
def test_whatever_schema_a_product_offers_can_be_offered_again(given: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": given}, "required": ["x"]}
    [found] = tool_infos([{"type": "function", "function": {"name": "f", "parameters": schema}}])
    kept = found.parameters.properties["x"].model_dump(exclude_none=True, exclude_unset=True)
    assert {name: kept.get(name) for name in given} == given
