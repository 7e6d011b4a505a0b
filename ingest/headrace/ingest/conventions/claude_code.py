"""Claude Code: spans without messages, and the raw bodies of its requests in log records."""

from collections.abc import Mapping

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, finish, get, requested
from headrace.ingest.jsontext import parse
from headrace.ingest.telemetry import SpanData, Value
from headrace.ingest.tools import definitions
from headrace.lake.record import SpanKind

SCOPE = "com.anthropic.claude_code.tracing"
REQUEST = "claude_code.api_request_body"
RESPONSE = "claude_code.api_response_body"
PAIR = "request_body_id"  # of a request and its answer

KINDS: Mapping[str, SpanKind] = {"llm_request": "llm", "interaction": "agent", "tool": "tool"}

_RESULT = "tool.output"  # an event
_INPUT = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")


def kind(span: SpanData) -> SpanKind | None:
    """The kind by span type."""
    if span.scope != SCOPE or "span.type" not in span.attributes:
        return None
    return KINDS.get(str(span.attributes["span.type"]), "other")


def facts(span: SpanData) -> Mapping[str, object]:
    """Its input tokens leave the cache out; sub-agents share the session, not the conversation."""
    own = span.attributes
    if kind(span) is None:
        return {}
    parts = [own.get(key) for key in _INPUT]
    found: dict[str, object] = {
        "conversation": own.get("session.id"),
        "cached_tokens": own.get("cache_read_tokens"),
        "cache_write_tokens": own.get("cache_creation_tokens"),
        "output_tokens": own.get("output_tokens"),
        "agent": agent(str(own.get("query_source_safe") or "")),
    }
    if isinstance(parts[0], int):
        found["input_tokens"] = sum(part for part in parts if isinstance(part, int))
    results = (event.attributes.get("output") for event in span.events if event.name == _RESULT)
    found["tool_result"] = next(results, None)
    return {field: value for field, value in found.items() if value is not None}


def told(request: Mapping[str, Value], response: Mapping[str, Value] | None) -> Content:
    """The content of a pair of records; `response` None: none came."""
    asked, answer = _body(request), _body(response or {})
    bodies = [one for one in (request, response) if one is not None]
    cut = any(_body(one) is None for one in bodies)
    return Content(
        input=requested(asked),
        output=answered(answer),
        tools=definitions(get(asked, "tools")),
        defects=("truncated_value",) if cut else (),
        finish=finish(answer),
        response=answer if isinstance(answer, Mapping) else {},
    )


def _body(attributes: Mapping[str, Value]) -> object:
    text = attributes.get("body")
    return parse(text) if isinstance(text, str) else None


def agent(source: str) -> str | None:
    """The sub-agent that a query source names: `agent:builtin:general-purpose`; else None."""
    for mark in ("agent.builtin.", "agent:builtin:"):
        if source.startswith(mark):
            return source.removeprefix(mark)
    return None
