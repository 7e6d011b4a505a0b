"""Langfuse: `langfuse.observation.*`, input and output as JSON."""

from collections.abc import Mapping

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, get, requested
from headrace.ingest.jsontext import value_of
from headrace.ingest.telemetry import SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {"generation": "llm", "agent": "agent", "tool": "tool"}

_INPUT = "langfuse.observation.input"
_OUTPUT = "langfuse.observation.output"
_USAGE = "langfuse.observation.usage_details"
_TOKENS = {  # field -> names in `usage_details`, whose keys are free
    "input_tokens": ("prompt_tokens", "input_tokens", "input"),
    "output_tokens": ("completion_tokens", "output_tokens", "output"),
    "cached_tokens": ("cache_read_input_tokens", "input_cached_tokens"),
    "cache_write_tokens": ("cache_creation_input_tokens",),
}


def kind(span: SpanData) -> SpanKind | None:
    """The kind by observation type."""
    marked = span.attributes.get("langfuse.observation.type")
    return None if marked is None else KINDS.get(str(marked).lower(), "other")


def content(span: SpanData) -> Content | None:
    """Messages of a generation: a request, a list of messages, or bare text."""
    attributes = span.attributes
    if kind(span) != "llm" or (_INPUT not in attributes and _OUTPUT not in attributes):
        return None
    sent = _read(attributes.get(_INPUT))
    return Content(
        input=requested({"input": sent} if isinstance(sent, str) else sent),
        output=_answer(_read(attributes.get(_OUTPUT))),
        tools=definitions(get(sent, "tools")),
        read=frozenset(key for key in (_INPUT, _OUTPUT) if key in attributes),
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """Usage and cost out of their JSON."""
    attributes = span.attributes
    usage = value_of(attributes.get(_USAGE))
    found: dict[str, object] = {
        field: next((v for key in keys if (v := get(usage, key)) is not None), None)
        for field, keys in _TOKENS.items()
    }
    found["cached_tokens"] = found["cached_tokens"] or get(
        get(usage, "prompt_tokens_details"), "cached_tokens"
    )
    found["reasoning_tokens"] = get(get(usage, "completion_tokens_details"), "reasoning_tokens")
    found["cost"] = get(value_of(attributes.get("langfuse.observation.cost_details")), "total")
    found["call"] = value_of(attributes.get("langfuse.observation.metadata.tool_call_id"))
    return {field: value for field, value in found.items() if value is not None}


def _read(value: object) -> object:
    """The value of JSON text; a text that is none is what was said."""
    read = value_of(value)
    return value if read is None else read


def _answer(output: object) -> list[Body]:
    if isinstance(output, str):
        return [{"role": "assistant", "content": output}] if output else []
    if isinstance(output, dict) and (output.get("role") or "choices" not in output):
        return [{"role": "assistant", **output}]
    if isinstance(output, list):
        return [{"role": "assistant", **one} for one in output if isinstance(one, dict)]
    return answered(output)
