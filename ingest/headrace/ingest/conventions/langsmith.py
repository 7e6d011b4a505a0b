"""LangSmith over OTel: messages of LangChain or of the API as JSON of prompt and completion."""

import ast
from collections.abc import Mapping
from typing import Any

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, finish, get, listed, requested
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {"llm": "llm", "tool": "tool"}  # there are no agent spans

_INPUT = "gen_ai.prompt"
_OUTPUT = "gen_ai.completion"
_USAGE = "langsmith.metadata.usage_metadata"
_DETAILS = "gen_ai.usage"
_LONGEST = 1_000  # characters of a Python literal that is read


def kind(span: SpanData) -> SpanKind | None:
    """The kind by run type."""
    marked = span.attributes.get("langsmith.span.kind")
    return None if marked is None else KINDS.get(str(marked).lower(), "other")


def content(span: SpanData) -> Content | None:
    """Messages of a model run."""
    attributes = span.attributes
    if _INPUT not in attributes and _OUTPUT not in attributes:
        return None
    bodies = {key: value_of(attributes[key]) for key in (_INPUT, _OUTPUT) if key in attributes}
    request, response = bodies.get(_INPUT), bodies.get(_OUTPUT)
    generation = _first(_first(get(response, "generations")))
    message = _inner(get(generation, "message"))
    sent = _sent(request)
    reason = get(get(generation, "generation_info"), "finish_reason")
    held = get(message, "response_metadata") if message else response
    return Content(
        input=sent,
        output=[{"role": "assistant", **message}] if message else answered(response),
        tools=definitions(attributes.get("gen_ai.tool.definitions") or get(request, "tools")),
        defects=("truncated_value",)
        if any(cut(attributes[k], v) for k, v in bodies.items())
        else (),
        read=frozenset(key for key in bodies if sent or key != _INPUT),
        finish=str(reason) if reason else finish(response),
        response=_response(held),
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """Tokens, of which the span's own attributes give the details as Python writes them."""
    own = span.attributes
    usage = value_of(own.get(_USAGE))
    sent = get(usage, "input_token_details") or _python(own.get(f"{_DETAILS}.input_token_details"))
    said = get(usage, "output_token_details") or _python(
        own.get(f"{_DETAILS}.output_token_details")
    )
    found = {
        "input_tokens": get(usage, "input_tokens"),
        "output_tokens": get(usage, "output_tokens"),
        "cached_tokens": get(sent, "cache_read"),
        "cache_write_tokens": get(sent, "cache_creation"),
        "reasoning_tokens": get(said, "reasoning"),
    }
    found |= _tool_facts(span) if kind(span) == "tool" else {}
    return {field: value for field, value in found.items() if value is not None}


def _tool_facts(span: SpanData) -> dict[str, Any]:
    own = span.attributes
    answer = get(value_of(own.get(_OUTPUT)), "output")
    message = get(answer, "content") if get(answer, "type") == "tool" else answer
    return {
        "call": get(answer, "tool_call_id"),
        "tool": None if own.get("gen_ai.tool.name") else span.name,
        "tool_arguments": own.get(_INPUT),
        "tool_result": own.get(_OUTPUT) if message is None else message,
    }


def _python(text: object) -> object:
    """A short literal as Python prints it, in the hope of numbers; None of anything else."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return text if isinstance(text, Mapping) else None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _sent(request: object) -> list[Body]:
    """A batch of one conversation, or the raw request of a wrapped client."""
    messages = get(request, "messages")
    nested = _first(messages)
    return requested(nested if isinstance(nested, list) else request)


def _inner(message: object) -> Any:
    """The inside of a serialised LangChain message."""
    inner = get(message, "kwargs")
    return inner if isinstance(inner, dict) else message if isinstance(message, dict) else None


def _response(held: object) -> Mapping[str, object]:
    """Id and model of the answer; LangChain calls the latter `model_name`."""
    if not isinstance(held, Mapping):
        return {}
    model = held.get("model") or held.get("model_name")
    return {"id": held.get("id"), "model": model}


def _first(value: object) -> Any:
    items = listed(value)
    return items[0] if items else None
