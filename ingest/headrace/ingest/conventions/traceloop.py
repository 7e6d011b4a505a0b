"""Traceloop's decorators: workflows, agents and tools around the model calls of OpenLLMetry."""

from collections.abc import Mapping

from headrace.ingest.conventions.raw_body import get
from headrace.ingest.jsontext import value_of
from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind

KINDS: Mapping[str, SpanKind] = {"workflow": "agent", "agent": "agent", "tool": "tool"}

_INPUT = "traceloop.entity.input"
_OUTPUT = "traceloop.entity.output"


def kind(span: SpanData) -> SpanKind | None:
    """The kind of a decorated function."""
    marked = span.attributes.get("traceloop.span.kind")
    return None if marked is None else KINDS.get(str(marked).lower(), "other")


def facts(span: SpanData) -> Mapping[str, object]:
    """Arguments and result of a decorated tool; a text comes as JSON of JSON."""
    if kind(span) != "tool":
        return {}
    given = value_of(span.attributes.get(_INPUT))
    found = {
        "tool": span.attributes.get("traceloop.entity.name"),
        "tool_arguments": _arguments(given),
        "tool_result": value_of(span.attributes.get(_OUTPUT)),
    }
    return {field: value for field, value in found.items() if value is not None}


def _arguments(given: object) -> object:
    """Named arguments as a model gave them; positional ones have no names, and stay apart."""
    named = get(given, "kwargs")
    return given if named is None or (get(given, "args") and not named) else named
