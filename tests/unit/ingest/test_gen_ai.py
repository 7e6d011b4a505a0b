"""OpenTelemetry GenAI keys: the kind of a span, where its messages are, what is missing of them."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from headrace.ingest.conventions import content_of, gen_ai, kind_of
from headrace.ingest.conventions.content import Content
from headrace.ingest.messages import canonical
from headrace.ingest.telemetry import SpanData

BARE = SpanData(
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id=None,
    name="call",
    started_at=None,
    ended_at=None,
    status="unset",
    status_message="",
    attributes={},
    events=(),
    links=(),
    resource={},
    scope="",
    dropped=0,
)
HI = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
SAID = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]


def span(own: Mapping[str, object]) -> SpanData:
    return msgspec.structs.replace(BARE, attributes=own)


def content(**own: object) -> Content:
    """The content of a span with these keys below `gen_ai.`, `__` for a dot."""
    keys = {f"gen_ai.{key.replace('__', '.')}": value for key, value in own.items()}
    found = gen_ai.content(span(keys))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("chat", "llm"), ("text_completion", "llm"), ("generate_content", "llm"),
        ("completion", "llm"), ("generate", "llm"), ("response", "llm"),
        ("invoke_agent", "agent"), ("invoke_workflow", "agent"), ("create_agent", "agent"),
        ("handle_conversation_turn", "agent"), ("execute_tool", "tool"),
        ("plan", "other"), ("agent_step", "other"), ("chain", "other"), ("embeddings", "other"),
        ("retrieval", "other"), ("rerank", "other"), ("execute_event_loop_cycle", "other"),
        ("create_memory", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_an_operation_of_every_era_has_its_kind(operation: str, kind: str) -> None:
    assert kind_of(span({"gen_ai.operation.name": operation})) == (kind, "gen_ai")


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        ({"llm.request.type": "chat"}, "llm"),
        ({"llm.request.type": "completion"}, "llm"),
        ({"llm.request.type": "embedding"}, "other"),
        ({"gen_ai.prompt.3.content": "hi"}, "llm"),
        ({"gen_ai.completion.0.finish_reason": "stop"}, "llm"),
        ({"gen_ai.completion.1.role": "assistant"}, "other"),
        ({"gen_ai.prompt": "{}"}, "other"),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.prompt.0.role": "user"}, "tool"),
    ],
)
def test_older_model_calls_are_known_by_what_eviction_leaves(
    own: dict[str, object], kind: str
) -> None:
    assert kind_of(span(own))[0] == kind


@pytest.mark.parametrize("value", [HI, json.dumps(HI)])
def test_messages_come_as_json_or_as_values(value: Any) -> None:
    found = content(input__messages=value)
    assert canonical(found.input) == SAID
    assert (found.output, found.tools, found.defects) == ([], None, ())


@pytest.mark.parametrize(
    "system",
    [
        '[{"type":"text","content":"be kind"}]',
        [{"type": "text", "content": "be kind"}],
        '"be kind"',
        '["be kind"]',
        '[{"role":"system","content":"be kind"}]',
        '[{"role":"system","parts":[{"type":"text","content":"be kind"}]}]',
        '{"type":"text","content":"be kind"}',
    ],
)
def test_instructions_of_any_shape_are_the_first_message(system: Any) -> None:
    found = content(input__messages=HI, system_instructions=system)
    assert canonical(found.input) == [{"role": "system", "content": "be kind"}, *SAID]


@pytest.mark.parametrize("system", ["", "[]", "null", [], None])
def test_no_instructions_are_no_message(system: Any) -> None:
    assert canonical(content(input__messages=HI, system_instructions=system).input) == SAID


@pytest.mark.parametrize("tools", [TOOLS, json.dumps(TOOLS), [json.dumps(TOOLS[0])]])
def test_definitions_come_as_json_or_as_values(tools: Any) -> None:
    found = content(input__messages=HI, tool__definitions=tools)
    assert [tool["function"]["name"] for tool in found.tools or ()] == ["f"]


@pytest.mark.parametrize(
    ("count", "outputs"), [(None, 2), (1, 2), (0, 2), (2, 1), ("2", 2), (3, 1)]
)
def test_of_several_choices_the_first_is_the_output(count: Any, outputs: int) -> None:
    two = [{"role": "assistant", "parts": [{"type": "text", "content": word}]} for word in "ab"]
    found = content(output__messages=two, request__choice__count=count)
    assert len(found.output) == outputs


@pytest.mark.parametrize(
    "value", ["[{", '[{"role":"user","parts":[{"type":"te', "cut", "[" * 300 + "]" * 300]
)
@pytest.mark.parametrize("key", ["input.messages", "output.messages", "tool.definitions"])
def test_a_value_that_is_no_whole_json_is_truncated(key: str, value: str) -> None:
    own = {"gen_ai.input.messages": HI, f"gen_ai.{key}": value}
    found = gen_ai.content(span(own))
    assert found is not None and found.defects == ("truncated_value",)


@pytest.mark.parametrize("value", ["", None, "null"])
def test_an_empty_value_is_not_a_truncated_one(value: Any) -> None:
    assert content(input__messages=HI, system_instructions=value).defects == ()


@pytest.mark.parametrize(
    ("part", "hidden"),
    [
        ({"type": "text"}, True),
        ({"type": "text", "content": ""}, False),
        ({"type": "text", "text": "x"}, False),
        ({"type": "tool_call", "id": "c", "name": "f"}, True),
        ({"type": "tool_call", "id": "c", "name": "f", "arguments": None}, False),
        ({"type": "tool_call_response", "id": "c"}, False),
        ("bare text", False),
    ],
)
def test_a_part_that_tells_its_kind_and_not_its_content_is_hidden(part: Any, hidden: bool) -> None:
    defects = content(output__messages=[{"role": "assistant", "parts": [part]}]).defects
    assert defects == (("content_hidden",) if hidden else ())


@pytest.mark.parametrize(
    ("own", "elsewhere"),
    [
        ({"input.messages.ref": "s3://b/k"}, True),
        ({"system_instructions.ref": "s3://b/k"}, True),
        ({"input.messages": HI, "output.messages.ref": "s3://b/k"}, True),
        ({"output.messages": HI, "input.messages.ref": "s3://b/k"}, True),
        ({"input.messages": HI, "tool.definitions.ref": "s3://b/k"}, True),
        ({"input.messages": HI, "input.messages.ref": "s3://b/k"}, False),
    ],
)
def test_content_that_was_uploaded_is_said_to_be_elsewhere(
    own: dict[str, object], elsewhere: bool
) -> None:
    found = gen_ai.content(span({f"gen_ai.{key}": value for key, value in own.items()}))
    assert found is not None
    assert ("content_elsewhere" in found.defects) == elsewhere
    assert not any(key.endswith(".ref") for key in found.read)


@pytest.mark.parametrize("own", [{}, {"gen_ai.operation.name": "chat"}])
def test_a_call_that_captured_nothing_has_no_content(own: dict[str, object]) -> None:
    assert gen_ai.content(span(own)) is None
    assert content_of(span(own)) is None


@pytest.mark.parametrize("value", [7, {"role": "user"}, [7, None, "x"], True])
def test_values_of_another_shape_hold_no_messages(value: Any) -> None:
    assert content(input__messages=value).input == []


def test_messages_are_copies_and_not_the_attributes_themselves() -> None:
    found = content(input__messages=HI)
    found.input[0]["role"] = "changed"
    assert HI[0]["role"] == "user"
