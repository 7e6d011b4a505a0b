"""Made-up spans, and what the drain makes of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.ingest import span_row
from headrace.ingest.telemetry import EventData, SpanData, moment
from headrace.lake.record import Span

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one span, its messages and tools as JSON values."""

    span: Span
    input: list[dict[str, Any]]
    output: list[dict[str, Any]]
    tools: list[str]

    @property
    def kept(self) -> dict[str, Any]:
        """The attributes that are stored beside the messages."""
        return dict(json.loads(self.span.attributes))

    @property
    def said(self) -> list[tuple[str, Any]]:
        """Role and content of the input."""
        return [(body["role"], body["content"]) for body in self.input]


def span(
    attributes: Mapping[str, object] | None = None,
    *,
    events: Mapping[str, Mapping[str, object]] | None = None,
    name: str = "call",
    status: str = "unset",
    scope: str = "test",
) -> SpanData:
    """A span of one second with some attributes, and events by name."""
    return SpanData(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_span_id=None,
        name=name,
        started_at=moment(10**9),
        ended_at=moment(2 * 10**9),
        status=status,
        status_message="",
        attributes=attributes or {},
        events=tuple(
            EventData(name=key, at=moment(10**9), attributes=own)
            for key, own in (events or {}).items()
        ),
        links=(),
        resource={},
        scope=scope,
        dropped=0,
    )


def read(data: SpanData) -> Read:
    """What the drain makes of a span."""
    rows = span_row.rows(data, project="p", received_at=NOW)
    bodies = {message.hash: json.loads(message.body) for message in rows.messages}
    tools = [tool for one in rows.toolsets for tool in json.loads(one.body)]
    return Read(
        span=rows.span,
        input=[bodies[name] for name in rows.span.input],
        output=[bodies[name] for name in rows.span.output],
        tools=[tool["function"]["name"] for tool in tools],
    )
