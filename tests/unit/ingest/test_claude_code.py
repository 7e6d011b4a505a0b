"""Claude Code: spans without messages, bodies of requests in log records."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import claude_code, kind_of
from tests.spans import read, span

SCOPE = claude_code.SCOPE


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("llm_request", "llm"), ("interaction", "agent"), ("tool", "tool"),
     ("tool.execution", "other")],
)  # fmt: skip
def test_the_kind_is_the_type_within_its_scope_alone(type_: str, kind: str) -> None:
    assert kind_of(span({"span.type": type_}, scope=SCOPE)) == (kind, "claude_code")
    assert kind_of(span({"span.type": type_})) == ("other", "none")


def test_input_tokens_include_the_cache_and_the_session_is_the_conversation() -> None:
    own = {
        "span.type": "llm_request",
        "input_tokens": 6,
        "cache_read_tokens": 100,
        "cache_creation_tokens": 30,
        "output_tokens": 9,
        "ttft_ms": 70,
        "stop_reason": "max_tokens",
        "model": "m",
        "session.id": "s",
        "gen_ai.conversation.id": "agent-7",
        "query_source_safe": "agent.builtin.general-purpose",
    }
    made = read(span(own, scope=SCOPE)).span
    assert (made.input_tokens, made.cached_tokens, made.cache_write_tokens) == (136, 100, 30)
    assert (made.output_tokens, made.ttft_ms, made.finish_reason) == (9, 70.0, "length")
    assert (made.conversation_id, made.agent, made.model) == ("s", "general-purpose", "m")
    assert made.defects == ("no_content",)


def test_other_spans_with_such_keys_are_none_of_its() -> None:
    own = {"span.type": "x", "session.id": "s", "gen_ai.conversation.id": "c"}
    assert read(span(own)).span.conversation_id == "c"


def test_an_error_class_is_an_error() -> None:
    own = {"span.type": "llm_request", "error_class": "overloaded", "error": "529 Overloaded"}
    assert read(span(own, scope=SCOPE)).span.error == "529 Overloaded"


def test_the_output_of_a_tool_is_in_its_event() -> None:
    own = {"span.type": "tool", "tool_name": "Bash", "tool_use_id": "toolu_1"}
    made = read(span(own, scope=SCOPE, events={"tool.output": {"output": "fine"}}))
    assert made.output == [{"role": "tool", "tool_call_id": "toolu_1", "content": "fine"}]


def test_a_pair_of_bodies_is_a_call() -> None:
    request = {
        "system": [{"type": "text", "text": "be"}, {"type": "text", "text": "kind"}],
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f", "input_schema": {}}],
    }
    response = {"role": "assistant", "content": [{"type": "text", "text": "yes"}], "id": "msg_1"}
    told = claude_code.told({"body": json.dumps(request)}, {"body": json.dumps(response)})
    assert [body["role"] for body in told.input] == ["system", "user"]
    assert told.output[0]["content"] == response["content"]
    assert (told.response["id"], told.defects) == ("msg_1", ())


@pytest.mark.parametrize("body", ['{"messages": [', "", None, 7, "[1]"])
def test_a_body_that_is_none_is_cut_or_says_nothing(body: Any) -> None:
    told = claude_code.told({"body": body}, None)
    assert told.input == told.output == []
    assert told.defects == (() if body == "[1]" else ("truncated_value",))
