"""Langfuse: `langfuse.observation.*`, input and output as JSON."""

from collections.abc import Mapping

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, get, requested, usage
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import SpanData
from headrace.ingest.tools import definitions
from headrace.lake.message import Body
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {"generation": "llm", "agent": "agent", "tool": "tool"}

_INPUT = "langfuse.observation.input"
_OUTPUT = "langfuse.observation.output"
_USAGE = "langfuse.observation.usage_details"
_TOKENS = {  # names in `usage_details` beside those of APIs: its keys are free
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read_input_tokens": "cached_tokens",
    "input_cached_tokens": "cached_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}
_METADATA = {"tool_call_id": "call", "finish_reason": "finish"}


def kind(span: SpanData) -> SpanKind | None:
    """The kind by observation type."""
    marked = span.attributes.get("langfuse.observation.type")
    return None if marked is None else KINDS.get(str(marked).lower(), "other")


def content(span: SpanData) -> Content | None:
    """Messages of a generation: a request, a list of messages, or bare text."""
    attributes = span.attributes
    if kind(span) != "llm" or (_INPUT not in attributes and _OUTPUT not in attributes):
        return None
    bodies = {key: value_of(attributes[key]) for key in (_INPUT, _OUTPUT) if key in attributes}
    sent, said = (_read(attributes.get(key), bodies.get(key)) for key in (_INPUT, _OUTPUT))
    heard = _sent(sent)
    return Content(
        input=heard,
        output=_answer(said),
        tools=definitions(get(sent, "tools")),
        defects=("truncated_value",)
        if any(cut(attributes[k], v) for k, v in bodies.items())
        else (),
        read=frozenset(key for key in bodies if heard or key != _INPUT),
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """Usage and cost out of their JSON, and what its integrations put into metadata."""
    attributes = span.attributes
    told = value_of(attributes.get(_USAGE))
    found = {field: get(told, key) for key, field in _TOKENS.items() if get(told, key) is not None}
    found |= usage(told)
    found["cost"] = get(value_of(attributes.get("langfuse.observation.cost_details")), "total")
    for key, field in _METADATA.items():
        found[field] = value_of(attributes.get(f"langfuse.observation.metadata.{key}"))
    return {field: value for field, value in found.items() if value is not None}


def _sent(sent: object) -> list[Body]:
    """Bare text is what a user said; a message may stand alone."""
    if isinstance(sent, str):
        sent = {"input": sent}
    return requested([sent] if get(sent, "role") else sent)


def _read(text: object, value: object) -> object:
    """A text that is no JSON is what was said, unless it was to be JSON."""
    return text if value is None and not cut(text, value) else value


def _answer(output: object) -> list[Body]:
    if isinstance(output, str):
        return [{"role": "assistant", "content": output}] if output else []
    if isinstance(output, dict) and (output.get("role") or "choices" not in output):
        return [{"role": "assistant", **output}]
    if isinstance(output, list):
        return [{"role": "assistant", **one} for one in output if isinstance(one, dict)]
    return answered(output)
