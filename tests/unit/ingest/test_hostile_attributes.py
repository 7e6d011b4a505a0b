"""Any value under any key of any convention makes a row that any reader takes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest import span_row
from headrace.ingest.aliases import ALIASES, FIRST_TOKEN
from headrace.ingest.conventions import CONVENTIONS
from headrace.ingest.evaluation import of_span
from headrace.ingest.telemetry import SpanData
from tests.spans import NOW, span

AI, FUSE, SMITH, FLOW = "ai.", "langfuse.observation.", "langsmith.", "mlflow."
POOLS: dict[str, dict[str, list[object]]] = {  # convention -> its keys, and words that mark a kind
    "openinference": {
        "openinference.span.kind": ["LLM", "TOOL", "AGENT"],
        "llm.invocation_parameters": [], "input.value": [], "output.value": [],
        "llm.input_messages.0.message.role": ["user"], "llm.input_messages.0.message.content": [],
        "llm.input_messages.0.message.contents.0.message_content.type": ["image", "tool_use"],
        "llm.input_messages.0.message.contents.0.message_content.image.image.url": [],
        "llm.output_messages.0.message.role": ["assistant"], "llm.tools.0.tool.json_schema": [],
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": ["f"],
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": [],
        "trace.annotations.0.annotation.score": [], "annotations.0.annotation.label": [],
        "llm.cost.prompt": [], "llm.cost.completion": [],
    },
    "claude_code": {
        "span.type": ["llm_request", "tool"], "input_tokens": [], "cache_read_tokens": [],
        "query_source_safe": ["agent.builtin.x"], "error_class": [], "error": [],
    },
    "langsmith": {
        f"{SMITH}span.kind": ["llm", "tool"], "gen_ai.prompt": [], "gen_ai.completion": [],
        f"{SMITH}metadata.usage_metadata": [],
        "gen_ai.usage.input_token_details": ["{'cache_read': 1e999}", "[" * 200, "{1: 2}", "()"],
    },
    "langfuse": {
        f"{FUSE}type": ["generation", "tool"], f"{FUSE}input": [], f"{FUSE}output": [],
        f"{FUSE}usage_details": [], f"{FUSE}cost_details": ['{"total": 1e999}', '{"total": "x"}'],
        f"{FUSE}metadata.tool_call_id": [], f"{FUSE}metadata.finish_reason": ["[7]"],
        f"{FUSE}level": ["ERROR"], f"{FUSE}model.parameters": [],
    },
    "mlflow": {
        f"{FLOW}spanType": ['"CHAT_MODEL"', '"TOOL"'], f"{FLOW}spanInputs": [],
        f"{FLOW}spanOutputs": [], f"{FLOW}chat.tools": [], f"{FLOW}chat.tokenUsage": [],
        "model": ['"', '"\\ud800"'],
    },
    "ai_sdk": {
        f"{AI}operationId": ["ai.generateText.doGenerate", "ai.toolCall"],
        f"{AI}prompt.messages": [], f"{AI}prompt.tools": [], f"{AI}prompt.toolChoice": [],
        f"{AI}response.text": [], f"{AI}response.toolCalls": [], f"{AI}response.object": [],
        f"{AI}response.reasoning": [], f"{AI}settings.context.a": [],
    },
    "traceloop": {
        "traceloop.span.kind": ["tool", "agent"], "traceloop.entity.input": [],
        "traceloop.entity.output": [], "traceloop.entity.name": [],
    },
    "gen_ai": {
        "gen_ai.operation.name": ["chat", "execute_tool"], "gen_ai.input.messages": [],
        "gen_ai.output.messages": [], "gen_ai.system_instructions": [],
        "gen_ai.tool.definitions": [], "gen_ai.request.choice.count": [],
        "gen_ai.input.messages.ref": [], "error.type": [],
    },
    "prompt_n": {
        "llm.request.type": ["chat"], "gen_ai.prompt.0.role": ["user"],
        "gen_ai.prompt.0.content": [], "gen_ai.prompt.4294967295.role": [],
        "gen_ai.prompt.1.tool_calls.0.arguments": [], "gen_ai.completion.0.content": [],
        "gen_ai.completion.0.tool_calls.0.name": [], "llm.request.functions.0.name": ["f"],
        "llm.request.functions.0.parameters": [], "gen_ai.completion.0.finish_reason": [],
    },
    "google_adk": {
        "gcp.vertex.agent.llm_request": ['{"contents": [{"parts": [{"function_call": {}}]}]}'],
        "gcp.vertex.agent.llm_response": ['{"content": {"parts": [{"text": 7}, {}]}}'],
        "gcp.vertex.agent.tool_call_args": [], "gcp.vertex.agent.tool_response": [],
    },
    "pydantic_ai": {
        "agent_name": [], "all_messages_events": [], "gen_ai.tool.call.id": [],
        "tool_arguments": [], "tool_response": [], "model_request_parameters": [],
    },
    "logfire": {
        "logfire.msg_template": ["Function: {name}", "Agent run: {name!r}", "x"], "name": [],
        "input": [], "output": [], "usage": [], "gen_ai.usage.raw": [], "model_settings": [],
    },
    "events_json": {"events": ['[{"event.name": "gen_ai.choice", "message": 7}]'], "response": []},
    "gen_ai_message_events": {"gen_ai.tool.name": ["f"]},
    "gen_ai_event": {"gen_ai.system": []},
    "gen_ai_content_events": {"gen_ai.request.model": []},
}  # fmt: skip

SHAPES = [
    "NaN", "[NaN]", "1e999", "[[1e999]]", "9" * 4000, "[" * 300, '{"messages": {}}', "[null]",
    '[{"role": 7}]', '[{"role": "user", "content": {"type": {}}}]', '{"choices": [{}]}',
    '{"choices": {"a": 1}}', '{"content": [1], "role": "assistant"}', '{"output": [{}]}',
    '[{"role": "tool", "content": [1e999]}]', '{"input": [7, "x"]}', '[["a"], []]',
    '[{"type": "function_call"}]', '[{"role": "assistant", "parts": [{"type": "tool_call"}]}]',
    '{"n": "many", "instructions": 7}', '{"function": {"name": 3}}', '{"kwargs": 7, "args": {}}',
    r'{"id": "\ud800", "choices": [{"finish_reason": "\ud800"}]}', "__REDACTED__",
    '{"name": "f", "parameters": [1e999]}', '{"tools": [{"name": "f", "parameters": 1e999}]}',
    '[{"role": "user", "parts": [{"type": "image", "image": {"url": {"url": 3}}}]}]',
    '[{"role": "user", "content": [{"type": "reasoning", "summary": 5}]}]',
    '{"messages": [[{"lc": 1, "id": 7, "kwargs": {"type": []}}]]}', '{"generations": [[7]]}',
    '{"prompt_tokens_details": 7, "input_tokens": [1]}', '{"input_tokens": 1e999}', "\ud800", '"',
]  # fmt: skip
EVENTS = (
    "gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message", "tool.output", "exception",
    "gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "mlflow.chunk.item.1",
    "gen_ai.content.completion", *FIRST_TOKEN,
)  # fmt: skip
FIELDS = (
    "content", "message", "finish_reason", "gen_ai.event.content", "gen_ai.input.messages",
    "gen_ai.prompt", "gen_ai.completion", "mlflow.chunk.value", "output", "exception.message",
)  # fmt: skip

scalars = (
    st.sampled_from(SHAPES)
    | st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "parts", "type", "tools", "messages", "choices"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@st.composite
def spans(draw: st.DrawFn) -> SpanData:
    """Keys of one convention, at times of several, with a kind more often than not."""
    pool = POOLS[draw(st.sampled_from(sorted(POOLS)))]
    other = draw(st.dictionaries(st.sampled_from(ANY), values, max_size=4))
    own = draw(st.dictionaries(st.sampled_from(sorted(pool)), values, max_size=8))
    words = {key: draw(st.sampled_from(told)) for key, told in pool.items() if told}
    marks = words if draw(st.booleans()) else {}
    fields = st.dictionaries(st.sampled_from(FIELDS), values, max_size=3)
    events = draw(st.dictionaries(st.sampled_from(EVENTS), fields, max_size=3))
    scope = draw(st.sampled_from(["test", "com.anthropic.claude_code.tracing", "ai"]))
    status = draw(st.sampled_from(["unset", "error"]))
    return span({**other, **own, **marks}, events=events, scope=scope, status=status)


ANY = sorted({key for names in ALIASES.values() for key in names}.union(*POOLS.values()))


@settings(max_examples=400, deadline=None)
@given(spans())
def test_no_attribute_trips_the_decoder(data: SpanData) -> None:
    survives(data)


def survives(data: SpanData) -> None:
    made = span_row.rows(data, project="p", received_at=NOW)
    marks = list(of_span(data, project="p", received_at=NOW))
    for row in (made.span, *made.messages, *made.toolsets, *marks):
        msgspec.json.encode(row)  # no lone half of a character anywhere
    told = (made.span.attributes, made.span.resource, made.span.events, made.span.request or "{}")
    bodies = [row.body for row in made.messages] + [row.body for row in made.toolsets]
    for text in (*told, *bodies):
        strict(text)


def strict(text: str) -> Any:
    """Read as a reader does that knows no NaN and nothing but UTF-8."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text.encode("utf-8"), parse_constant=refuse)


def test_every_convention_has_hostile_keys() -> None:
    assert set(POOLS) == {convention.name for convention in CONVENTIONS}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", sorted(POOLS))
def test_every_shape_under_every_key_is_read(name: str, shape: str) -> None:
    marks = {key: words[0] for key, words in POOLS[name].items() if words}
    for key in POOLS[name]:
        survives(span({**marks, key: shape}, status="error" if "error" in key else "unset"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", EVENTS)
def test_every_shape_in_every_event_is_read(name: str, shape: str) -> None:
    for own in ({"gen_ai.operation.name": "chat"}, {"gen_ai.tool.name": "f"}):
        operation = {"gen_ai.operation.name": "execute_tool", "mlflow.spanType": "LLM", **own}
        for field in FIELDS:
            survives(span(operation, events={name: {field: shape}}, status="error"))
