"""Pydantic AI's own keys: agents and tools of 1.x, tool definitions of all."""

from headrace.ingest.telemetry import SpanData
from headrace.lake.record import SpanKind

_HISTORY = ("all_messages_events", "pydantic_ai.all_messages")


def kind(span: SpanData) -> SpanKind | None:
    """Agents and tools of 1.x, which name no operation."""
    own = span.attributes
    if "agent_name" in own and any(key in own for key in _HISTORY):
        return "agent"
    return "tool" if "gen_ai.tool.call.id" in own and "tool_arguments" in own else None
