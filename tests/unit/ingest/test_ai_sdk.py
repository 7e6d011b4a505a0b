"""Vercel AI SDK: `ai.*` of its eras."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

CALL = {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "openai.responses"}
ASKED = json.dumps([{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
CALLED = [{"toolCallId": "c1", "toolName": "f", "input": '{"a":1}'}]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("ai.generateText.doGenerate", "llm"), ("ai.streamText.doStream", "llm"),
        ("ai.generateObject.doGenerate", "llm"), ("ai.toolCall", "tool"),
        ("ai.generateText", "agent"), ("ai.streamObject", "agent"), ("ai.embed.doEmbed", "other"),
        (7, "other"),
    ],
)  # fmt: skip
def test_only_the_inner_span_is_a_call(operation: Any, kind: str) -> None:
    assert kind_of(span({"ai.operationId": operation})) == (kind, "ai_sdk")


@pytest.mark.parametrize("era", ["response", "result"])
def test_text_and_tool_calls_of_both_eras_are_one_message(era: str) -> None:
    own = {f"ai.{era}.text": "Let me see.", f"ai.{era}.toolCalls": json.dumps(CALLED)}
    made = read(span({**CALL, "ai.prompt.messages": ASKED, **own}))
    assert made.said == [("user", "hi")]
    [answer] = made.output
    assert answer["content"] == "Let me see."
    assert answer["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert (made.span.provider, made.span.finish_reason) == ("openai", "tool_calls")
    assert "ai.prompt.messages" not in made.kept


def test_arguments_and_results_of_version_4_are_read() -> None:
    history = [
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "f", "args": {"a": 1}}]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "f", "result": {"b": 2}}]},
    ]  # fmt: skip
    made = read(span({**CALL, "ai.prompt.messages": json.dumps(history), "ai.response.text": "2"}))
    assert made.input[0]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'
    assert made.input[1] == {"role": "tool", "tool_call_id": "c1", "content": '{"b": 2}'}


def test_an_object_is_the_answer_and_reasoning_stays_apart() -> None:
    own = {"ai.response.object": '{"city":"Paris"}', "ai.response.reasoning": "hm"}
    made = read(span({**CALL, "ai.prompt.messages": ASKED, **own}))
    assert made.output[0]["content"] == '{"city":"Paris"}'
    assert made.output[0]["reasoning_content"] == "hm"


def test_tools_come_as_a_list_of_json_texts() -> None:
    tools = [json.dumps({"type": "function", "name": "f", "inputSchema": {"type": "object"}})]
    made = read(span({**CALL, "ai.prompt.messages": ASKED, "ai.prompt.tools": tools}))
    assert made.tools == ["f"]


@pytest.mark.parametrize("key", ["ai.prompt.messages", "ai.response.toolCalls"])
def test_what_was_cut_is_a_defect_and_stays(key: str) -> None:
    made = read(span({**CALL, "ai.prompt.messages": ASKED, key: '[{"role": "us'}))
    assert "truncated_value" in made.span.defects
    assert key in made.kept


def test_without_capture_there_is_no_content() -> None:
    assert read(span(CALL)).span.defects == ("no_content",)


def test_a_tool_run_tells_its_call_and_a_quoted_result_as_what_it_quotes() -> None:
    own = {
        "ai.operationId": "ai.toolCall",
        "ai.toolCall.name": "f",
        "ai.toolCall.id": "c1",
        "ai.toolCall.args": '{"a":1}',
        "ai.toolCall.result": '"sunny"',
    }
    made = read(span(own))
    assert made.input[0]["tool_calls"][0]["id"] == "c1"
    assert made.output == [{"role": "tool", "tool_call_id": "c1", "content": "sunny"}]
