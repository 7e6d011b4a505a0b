"""Google ADK's own keys."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

P = "gcp.vertex.agent."
CALLED = {"function_call": {"id": "c1", "name": "f", "args": {"a": 1}}}
ANSWERED = {"function_response": {"id": "c1", "name": "f", "response": {"result": 2}}}
REQUEST = {
    "model": "gemini-2.5",
    "config": {
        "system_instruction": "be kind",
        "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    },
    "contents": [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "hm", "thought": True}, CALLED]},
        {"role": "user", "parts": [ANSWERED]},
    ],
}
RESPONSE = {
    "content": {"role": "model", "parts": [{"text": "two"}]},
    "finish_reason": "MAX_TOKENS",
    "usage_metadata": {"cached_content_token_count": 4, "thoughts_token_count": 1},
}
CALL: dict[str, Any] = {
    "gen_ai.system": "gcp.vertex.agent",
    f"{P}session_id": "s",
    f"{P}llm_request": json.dumps(REQUEST),
    f"{P}llm_response": json.dumps(RESPONSE),
}


def test_gemini_contents_become_messages() -> None:
    made = read(span(CALL))
    assert [role for role, _ in made.said] == ["system", "user", "assistant", "tool"]
    assert made.input[2]["reasoning_content"] == "hm"
    assert made.input[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.input[3] == {"role": "tool", "tool_call_id": "c1", "content": '{"result": 2}'}
    assert (made.output[0]["content"], made.tools) == ("two", ["f"])
    assert (made.span.finish_reason, made.span.conversation_id) == ("length", "s")
    assert (made.span.cached_tokens, made.span.reasoning_tokens) == (4, 1)
    assert f"{P}llm_request" not in made.kept


def test_without_capture_there_is_no_content() -> None:
    made = read(span({f"{P}llm_request": "{}", f"{P}llm_response": "{}"}))
    assert (made.span.kind, made.span.defects) == ("llm", ("no_content",))


def test_what_was_cut_is_a_defect_and_stays() -> None:
    made = read(span({**CALL, f"{P}llm_request": '{"contents": ['}))
    assert (made.span.defects, f"{P}llm_request" in made.kept) == (("truncated_value",), True)


def test_a_tool_run_has_empty_requests_beside_its_arguments() -> None:
    own = {
        f"{P}llm_request": "{}",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "f",
    }
    told = {f"{P}tool_call_args": '{"a": 1}', f"{P}tool_response": '{"result": 2}'}
    made = read(span({**own, **told}))
    assert made.span.kind == "tool"
    assert made.input[0]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'
    assert made.output[0]["content"] == '{"result": 2}'


@pytest.mark.parametrize(
    ("own", "kind"),
    [({f"{P}tool_call_args": "{}"}, "tool"), ({f"{P}llm_response": "{}"}, "llm"),
     ({f"{P}event_id": "e"}, "other"),
     ({f"{P}llm_request": "{}", "gen_ai.operation.name": "invoke_agent"}, "agent")],
)  # fmt: skip
def test_an_operation_that_is_named_goes_first(own: dict[str, object], kind: str) -> None:
    assert kind_of(span(own))[0] == kind
