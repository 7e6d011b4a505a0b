"""Logfire's spans of the OpenAI Agents SDK, whose kind their message template tells."""

from collections.abc import Mapping

from headrace.ingest.conventions.raw_body import usage
from headrace.ingest.jsontext import value_of
from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind

_KINDS: Mapping[str, SpanKind] = {"Agent run: ": "agent", "Function: ": "tool"}
_OTHER = ("Turn {turn} for agent", "Handoff: ")
_DETAILS = ("cached_tokens", "reasoning_tokens")  # sums count the cache in some APIs alone


def kind(span: SpanData) -> SpanKind | None:
    """The kind by template; feedback and requests are none of these."""
    template = str(span.attributes.get("logfire.msg_template") or "")
    found = next((kind for head, kind in _KINDS.items() if template.startswith(head)), None)
    return found or ("other" if template.startswith(_OTHER) else None)


def facts(span: SpanData) -> Mapping[str, object]:
    """The name of an agent; what a tool was given and gave; details of the provider's usage."""
    own, found = span.attributes, kind(span)
    if found is None:
        told = usage(value_of(own.get("usage") or own.get("gen_ai.usage.raw")))
        return {field: told[field] for field in _DETAILS if field in told}
    fields = {
        "agent": {"agent": "name"},
        "tool": {"tool": "name", "tool_arguments": "input", "tool_result": "output"},
    }.get(found or "", {})
    return {field: own[key] for field, key in fields.items() if own.get(key) is not None}
