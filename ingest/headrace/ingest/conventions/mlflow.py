"""MLflow tracing: every value is JSON, requests and answers are those of the API."""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, finish, get, listed, requested
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {
    "CHAT_MODEL": "llm",
    "LLM": "llm",
    "AGENT": "agent",
    "TOOL": "tool",
}

_INPUT = "mlflow.spanInputs"
_OUTPUT = "mlflow.spanOutputs"
_CHUNK = "mlflow.chunk.item."
_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
}


def kind(span: SpanData) -> SpanKind | None:
    """The kind by span type, which is JSON text."""
    marked = span.attributes.get("mlflow.spanType")
    return None if marked is None else KINDS.get(str(marked).strip('"').upper(), "other")


def content(span: SpanData) -> Content | None:
    """Messages of a model call; of a stream the tool calls stand in its events alone."""
    attributes = span.attributes
    if kind(span) != "llm" or (_INPUT not in attributes and _OUTPUT not in attributes):
        return None
    bodies = {key: value_of(attributes[key]) for key in (_INPUT, _OUTPUT) if key in attributes}
    request, response = bodies.get(_INPUT), bodies.get(_OUTPUT)
    output = _text(response) if isinstance(response, str) else answered(response)
    sent = requested({"input": request} if isinstance(request, str) else request)
    return Content(
        input=sent,
        output=_with_calls(output, _streamed(span)),
        tools=definitions(get(request, "tools") or attributes.get("mlflow.chat.tools")),
        defects=("truncated_value",)
        if any(cut(attributes[k], v) for k, v in bodies.items())
        else (),
        read=frozenset(key for key in bodies if sent or key != _INPUT),
        finish=finish(response),
        response=response if isinstance(response, Mapping) else {},
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """Tokens; the model that was asked for; what a tool was given and gave."""
    attributes = span.attributes
    if kind(span) is None:
        return {}
    usage = value_of(attributes.get("mlflow.chat.tokenUsage"))
    found: dict[str, object] = {field: get(usage, key) for field, key in _TOKENS.items()}
    found["request_model"] = value_of(attributes.get("model"))
    if kind(span) == "tool":
        found["tool_arguments"] = attributes.get(_INPUT)
        found["tool_result"] = value_of(attributes.get(_OUTPUT))
    return {field: value for field, value in found.items() if value is not None}


def _text(text: str) -> list[Body]:
    return [{"role": "assistant", "content": text}] if text else []


def _with_calls(output: list[Body], calls: list[Body]) -> list[Body]:
    first = output[0] if output else {"role": "assistant", "content": None}
    return output if not calls or first.get("tool_calls") else [{**first, "tool_calls": calls}]


def _streamed(span: SpanData) -> list[Body]:
    """The tool calls of a stream, put together from their pieces."""
    calls: dict[int, dict[str, Any]] = {}
    for piece in _pieces(span):
        index = piece.get("index")
        if not isinstance(index, int):
            continue
        call = calls.setdefault(index, {"id": None, "function": {"name": "", "arguments": ""}})
        call["id"] = call["id"] or piece.get("id")
        for part in ("name", "arguments"):
            text = get(piece.get("function"), part)
            call["function"][part] += text if isinstance(text, str) else ""
    return [call for _, call in sorted(calls.items()) if call["function"]["name"]]


def _pieces(span: SpanData) -> Iterable[Mapping[str, Any]]:
    """In the order of the stream, which the number in the event's name tells."""
    chunks = [event for event in span.events if event.name.startswith(_CHUNK)]
    for event in sorted(chunks, key=lambda event: (len(event.name), event.name)):
        choices = listed(get(value_of(event.attributes.get("mlflow.chunk.value")), "choices"))
        delta = get(choices[0], "delta") if choices else None
        yield from (p for p in listed(get(delta, "tool_calls")) if isinstance(p, Mapping))
