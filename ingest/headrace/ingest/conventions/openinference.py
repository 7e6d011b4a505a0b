"""OpenInference: flattened messages, or the raw bodies where they hold at least as many.

Tables: `KINDS` names the kind of a span by `openinference.span.kind`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.ingest.aliases import usd
from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.numbered import grouped, whole
from headrace.ingest.conventions.raw_body import answered, finish, get, requested
from headrace.ingest.jsontext import cut, parse, value_of
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {"LLM": "llm", "AGENT": "agent", "TOOL": "tool"}  # else other

HIDDEN = "__REDACTED__"

_INPUT = "llm.input_messages."
_OUTPUT = "llm.output_messages."
_TOOLS = "llm.tools."
_BODIES = ("input.value", "output.value")
_COST = "llm.cost.total"
_COSTS = ("llm.cost.prompt", "llm.cost.completion")


def kind(span: SpanData) -> SpanKind | None:
    """The kind as the convention says it; message keys alone mark a model call."""
    marked = span.attributes.get("openinference.span.kind")
    if marked is not None:
        return KINDS.get(str(marked).upper(), "other")
    return "llm" if any(key.startswith((_INPUT, _OUTPUT)) for key in span.attributes) else None


def content(span: SpanData) -> Content | None:
    """Messages and tool definitions of an LLM span."""
    if kind(span) != "llm":
        return None
    attributes = span.attributes
    request, response = (_body(attributes, key) for key in _BODIES)
    flat, entire = _flat(attributes, _INPUT)
    given = value_of(attributes.get("llm.invocation_parameters"))
    raw = requested(request, get(given, "instructions") if isinstance(request, list) else None)
    chosen, intact = (raw, True) if len(raw) >= len(flat) else (flat, entire)
    listed = _definitions(attributes)
    said = answered(response) or _first_choice(_flat(attributes, _OUTPUT)[0], attributes)
    return Content(
        input=chosen,
        output=said or _plain(span),
        tools=listed if listed is not None else definitions(get(request, "tools")),
        defects=tuple(_defects(attributes, request, response, intact=intact and bool(chosen))),
        read=_read_keys(attributes, heard=bool(chosen)),
        finish=finish(response),
        response=next((body for body in (response, given) if isinstance(body, Mapping)), {}),
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """A cost that is told in halves alone."""
    parts = [span.attributes.get(key) for key in _COSTS]
    if parts[0] is None or parts[1] is None or _COST in span.attributes:
        return {}
    amounts = [usd(part) for part in parts]
    return {} if None in amounts else {"cost": str(sum(a for a in amounts if a is not None))}


def _body(attributes: Attributes, key: str) -> object:
    value = attributes.get(key)
    return parse(value) if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") else None


def _plain(span: SpanData) -> list[Body]:
    """An answer that is told as bare text alone, as bridges from other conventions do."""
    text = span.attributes.get("output.value")
    if not isinstance(text, str) or text == HIDDEN or span.status == "error":
        return []
    return [] if text.lstrip()[:1] in ("", "{", "[") else [{"role": "assistant", "content": text}]


def _first_choice(messages: list[Body], attributes: Attributes) -> list[Body]:
    """Several outputs are items of one answer, unless several answers were asked for."""
    asked = get(value_of(attributes.get("llm.invocation_parameters")), "n")
    return messages[:1] if isinstance(asked, int) and asked > 1 else messages


def _flat(attributes: Attributes, prefix: str) -> tuple[list[Body], bool]:
    """Flattened messages in order, and whether none is missing between the first and the last."""
    groups = grouped(attributes, prefix)
    messages = [_message(fields) for fields in groups.values()]
    return [message for message in messages if message["role"]], whole(groups, "message.role")


def _message(fields: Mapping[str, Any]) -> Body:
    parts = [_content_part(part) for part in grouped(fields, "message.contents.").values()]
    calls = [_tool_call(call) for call in grouped(fields, "message.tool_calls.").values()]
    # Anthropic tool calls stand twice, once more as content parts: count them once
    kept = [part for part in parts if not calls or part.get("type") != "tool_use"]
    legacy = {
        "name": fields.get("message.function_call_name"),
        "arguments": fields.get("message.function_call_arguments_json"),
    }
    return {
        "role": fields.get("message.role"),
        "content": kept or fields.get("message.content"),
        "name": fields.get("message.name"),
        "tool_call_id": fields.get("message.tool_call_id"),
        "tool_calls": calls,
        "function_call": legacy if legacy["name"] else None,
    }


def _content_part(part: Mapping[str, Any]) -> Body:
    kind = part.get("message_content.type")
    if kind == "tool_use":
        return {"type": "tool_use", **_tool_call(part)}
    if kind == "image":
        return {"type": "image", "image": part.get("message_content.image.image.url")}
    return {"type": str(kind or "text"), "text": part.get("message_content.text")}


def _tool_call(fields: Mapping[str, Any]) -> Body:
    return {
        "id": fields.get("tool_call.id"),
        "function": {
            "name": fields.get("tool_call.function.name"),
            "arguments": fields.get("tool_call.function.arguments"),
        },
    }


def _definitions(attributes: Attributes) -> list[Body] | None:
    schemas = [
        tool["tool.json_schema"]
        for tool in grouped(attributes, _TOOLS).values()
        if "tool.json_schema" in tool
    ]
    return definitions(schemas) if schemas else None


def _defects(
    attributes: Attributes, request: object, response: object, *, intact: bool
) -> Iterable[str]:
    if HIDDEN in (attributes.get(key) for key in _BODIES):
        yield "content_hidden"
    if any(cut(attributes.get(k), v) for k, v in zip(_BODIES, (request, response), strict=True)):
        yield "truncated_value"
    if not intact and any(key.startswith((_INPUT, _OUTPUT)) for key in attributes):
        yield "dropped_attributes"


def _read_keys(attributes: Attributes, *, heard: bool) -> frozenset[str]:
    """A request in which no messages were found stays."""
    flat = (_INPUT, _OUTPUT, _TOOLS)
    bodies = _BODIES if heard else _BODIES[1:]
    return frozenset(key for key in attributes if key in bodies or key.startswith(flat))
