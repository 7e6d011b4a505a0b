"""LangSmith over OTel: LangChain messages, or the raw request of a wrapped client."""

import json
from typing import Any

import pytest

from tests.spans import read, span

CALL = {"langsmith.span.kind": "llm"}


def lc(name: str, **kwargs: Any) -> dict[str, Any]:
    path = ["langchain", "schema", "messages", name]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": kwargs}


def test_serialised_messages_are_read_by_class_or_type() -> None:
    call = {"name": "f", "args": {"a": 1}, "id": "c1"}
    sent = [
        lc("SystemMessage", content="be kind", type="system"),
        lc("HumanMessage", content="hi"),
        lc("AIMessage", content="", type="ai", tool_calls=[call]),
        lc("ToolMessage", content="2", type="tool", tool_call_id="c1"),
    ]
    answer = lc("AIMessageChunk", content="two", response_metadata={"id": "r1", "model_name": "m"})
    generation = {"message": answer, "generation_info": {"finish_reason": "length"}}
    own = {
        "gen_ai.prompt": json.dumps({"messages": [sent]}),
        "gen_ai.completion": json.dumps({"generations": [[generation]]}),
    }
    made = read(span({**CALL, **own}))
    assert [role for role, _ in made.said] == ["system", "user", "assistant", "tool"]
    assert made.input[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.output[0]["content"] == "two"
    assert (made.span.response_id, made.span.model, made.span.finish_reason) == (
        "r1",
        "m",
        "length",
    )


def test_a_wrapped_client_tells_request_and_answer_as_they_were() -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "f"}]}
    answer = {"id": "r1", "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    own = {"gen_ai.prompt": json.dumps(request), "gen_ai.completion": json.dumps(answer)}
    made = read(span({**CALL, **own}))
    assert (made.said, made.tools, made.span.response_id) == ([("user", "hi")], ["f"], "r1")
    assert [body["content"] for body in made.output] == ["yes"]


@pytest.mark.parametrize(
    ("text", "cached"),
    [
        ("{'cache_read': 7, 'audio': 0}", 7), ('{"cache_read": 7}', 7), ({"cache_read": 7}, 7),
        ("{'cache_read': __import__('os')}", None), ("{'cache_read': 7", None), ("[" * 900, None),
        ("{'cache_read': " + "7" * 2_000 + "}", None), (7, None),
    ],
)  # fmt: skip
def test_details_of_usage_are_what_python_prints(text: Any, cached: int | None) -> None:
    made = read(span({**CALL, "gen_ai.usage.input_token_details": text}))
    assert made.span.cached_tokens == cached


def test_usage_metadata_goes_before_the_printed_details() -> None:
    usage = {"input_tokens": 9, "input_token_details": {"cache_read": 4, "cache_creation": 1}}
    own = {"langsmith.metadata.usage_metadata": json.dumps(usage)}
    made = read(span({**CALL, **own, "gen_ai.usage.input_token_details": "{'cache_read': 7}"})).span
    assert (made.input_tokens, made.cached_tokens, made.cache_write_tokens) == (9, 4, 1)


@pytest.mark.parametrize(
    "output", [{"type": "tool", "content": "fine", "tool_call_id": "c1"}, "fine"]
)
def test_a_tool_gives_what_stands_in_its_message(output: Any) -> None:
    own = {"gen_ai.prompt": '{"a": 1}', "gen_ai.completion": json.dumps({"output": output})}
    made = read(span({"langsmith.span.kind": "tool", **own}, name="f"))
    assert made.input[0]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.output[0]["content"] == "fine"


def test_a_cut_prompt_is_a_defect_and_stays() -> None:
    made = read(span({**CALL, "gen_ai.prompt": '{"messages": [[', "gen_ai.completion": "{}"}))
    assert "truncated_value" in made.span.defects
    assert "gen_ai.prompt" in made.kept


def test_the_session_of_a_project_is_no_conversation() -> None:
    own = {**CALL, "langsmith.trace.session_name": "demo", "langsmith.metadata.thread_id": "t1"}
    assert read(span(own)).span.conversation_id == "t1"
