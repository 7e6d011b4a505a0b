"""Logfire's spans of the OpenAI Agents SDK."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

T = "logfire.msg_template"


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("Agent run: {name!r}", ("agent", "logfire")), ("Function: {name}", ("tool", "logfire")),
        ("Turn {turn} for agent {agent_name!r}", ("other", "logfire")),
        ("Handoff: {from_agent} \u2192 {to_agent}", ("other", "logfire")),
        ("Function {name}", ("other", "none")), (7, ("other", "none")),
    ],
)  # fmt: skip
def test_the_kind_is_told_by_the_template(template: Any, kind: tuple[str, str]) -> None:
    assert kind_of(span({T: template})) == kind


def test_agents_and_functions_have_bare_keys() -> None:
    own = {T: "Function: {name}", "name": "f", "input": '{"a": 1}', "output": "fine"}
    made = read(span(own))
    assert made.input[0]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.output[0]["content"] == "fine"
    assert read(span({T: "Agent run: {name!r}", "name": "helper"})).span.agent == "helper"


def test_a_response_tells_id_tools_what_went_before_and_why_it_ended() -> None:
    events = [
        {"event.name": "gen_ai.user.message", "content": "hi", "role": "user"},
        {"event.name": "gen_ai.assistant.message", "content": "yes", "role": "assistant"},
    ]
    response = {
        "id": "resp_2",
        "previous_response_id": "resp_1",
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}}
    own = {
        T: "Responses API",
        "gen_ai.operation.name": "chat",
        "events": json.dumps(events),
        "response": json.dumps(response),
        "usage": json.dumps(usage),
        "model_settings": '{"temperature": 0.5, "top_p": null}',
    }
    made = read(span(own))
    assert (made.said, made.output[0]["content"], made.tools) == ([("user", "hi")], "yes", ["f"])
    assert (made.span.response_id, made.span.previous_response_id) == ("resp_2", "resp_1")
    assert (made.span.finish_reason, made.span.cached_tokens) == ("length", 4)
    assert json.loads(str(made.span.request)) == {"temperature": 0.5}
