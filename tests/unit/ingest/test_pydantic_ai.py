"""Pydantic AI's own keys, of 1.x and of all."""

import json

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role":"user","parts":[]}]'}


@pytest.mark.parametrize("history", ["all_messages_events", "pydantic_ai.all_messages"])
def test_an_agent_of_1_x_has_a_name_and_a_history(history: str) -> None:
    data = span({"agent_name": "helper", history: "[]"}, name="agent run")
    assert kind_of(data) == ("agent", "pydantic_ai")
    assert read(data).span.agent == "helper"
    assert kind_of(span({"agent_name": "helper"}))[0] == "other"


def test_a_tool_of_1_x_tells_arguments_and_response() -> None:
    own = {"gen_ai.tool.call.id": "c1", "gen_ai.tool.name": "f"}
    made = read(span({**own, "tool_arguments": '{"a": 1}', "tool_response": "fine"}))
    assert made.span.convention == "pydantic_ai"
    assert made.input[0]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.output[0]["content"] == "fine"


def test_functions_and_the_tools_of_structured_answers_are_definitions() -> None:
    given = {
        "function_tools": [{"name": "f", "parameters_json_schema": {"type": "object"}}],
        "output_tools": [{"name": "final_result"}],
    }
    for text in (json.dumps(given), given):
        made = read(span({**CHAT, "model_request_parameters": text}))
        assert made.tools == ["f", "final_result"]
    own = {"gen_ai.tool.definitions": '[{"name": "told"}]', "model_request_parameters": "cut {"}
    assert read(span({**CHAT, **own})).tools == ["told"]


def test_parts_without_content_are_hidden_not_empty() -> None:
    hidden = '[{"role":"user","parts":[{"type":"text"}]}]'
    made = read(span({**CHAT, "gen_ai.input.messages": hidden}))
    assert "content_hidden" in made.span.defects
