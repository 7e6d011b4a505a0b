"""Google ADK's own keys, older than its OTel GenAI ones: Gemini's request and response as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import get, listed
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

_INPUT = "gcp.vertex.agent.llm_request"
_OUTPUT = "gcp.vertex.agent.llm_response"
_ARGUMENTS = "gcp.vertex.agent.tool_call_args"
_RESULT = "gcp.vertex.agent.tool_response"
_NOTHING: tuple[object, ...] = (
    None,
    "",
    "{}",
    {},
)  # tools have these of a request, and all where capture is off


def kind(span: SpanData) -> SpanKind | None:
    """A model call or a run of a tool, where no operation is named."""
    own = span.attributes
    if "gen_ai.operation.name" in own:
        return None
    if _ARGUMENTS in own:
        return "tool"
    return "llm" if _INPUT in own or _OUTPUT in own else None


def content(span: SpanData) -> Content | None:
    """Messages of a call."""
    own = span.attributes
    bodies = {k: value_of(own[k]) for k in (_INPUT, _OUTPUT) if own.get(k) not in _NOTHING}
    if not bodies:
        return None
    request, response = bodies.get(_INPUT), bodies.get(_OUTPUT)
    config = get(request, "config")
    sent = [_message(one) for one in listed(get(request, "contents")) if isinstance(one, Mapping)]
    answer = get(response, "content")
    return Content(
        input=[*_system(get(config, "system_instruction")), *sent] if sent else [],
        output=[_message({"role": "model", **answer})] if isinstance(answer, Mapping) else [],
        tools=_definitions(config),
        defects=("truncated_value",) if any(cut(own[k], v) for k, v in bodies.items()) else (),
        read=frozenset(key for key in bodies if sent or key != _INPUT),
        finish=str(get(response, "finish_reason") or "").lower() or None,
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """Arguments and result of a tool; usage details of a call."""
    own = span.attributes
    if own.get(_ARGUMENTS) not in _NOTHING or own.get(_RESULT) not in _NOTHING:
        found = {"tool_arguments": own.get(_ARGUMENTS), "tool_result": own.get(_RESULT)}
        return {field: value for field, value in found.items() if value not in _NOTHING}
    usage = get(value_of(own.get(_OUTPUT)), "usage_metadata")
    found = {
        "cached_tokens": get(usage, "cached_content_token_count"),
        "reasoning_tokens": get(usage, "thoughts_token_count"),
    }
    return {field: value for field, value in found.items() if value is not None}


def _system(instruction: object) -> Iterable[Body]:
    if isinstance(instruction, Mapping):
        yield {**_message(instruction), "role": "system"}
    elif instruction:
        yield {"role": "system", "content": instruction}


def _message(content: Mapping[str, Any]) -> Body:
    parts = [_part(part) for part in listed(content.get("parts")) if isinstance(part, Mapping)]
    return {"role": content.get("role") or "user", "content": parts}


def _part(part: Mapping[str, Any]) -> Body:
    called, answered = part.get("function_call"), part.get("function_response")
    if isinstance(called, Mapping):
        given = {"name": called.get("name"), "arguments": called.get("args")}
        return {"type": "tool_call", "id": called.get("id"), **given}
    if isinstance(answered, Mapping):
        return {
            "type": "tool_call_response",
            "id": answered.get("id"),
            "response": answered.get("response"),
        }
    if isinstance(part.get("text"), str):
        return {"type": "reasoning" if part.get("thought") else "text", "text": part["text"]}
    return {"type": next(iter(part), "unknown")}


def _definitions(config: object) -> list[Body] | None:
    """Functions stand in groups, one a tool."""
    functions = [
        function
        for group in listed(get(config, "tools"))
        for function in listed(get(group, "function_declarations"))
    ]
    return definitions(functions) if functions else None
