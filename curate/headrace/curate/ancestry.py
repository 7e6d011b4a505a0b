"""What an LLM call inherits from the spans above it: conversation, user, agent, the tool it ran in.

A missing parent is normal (sampling, another service, still on its way): the walk ends there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.ingest.release import is_given
from headrace.lake.record import Span

DEPTH = 1_000  # ancestors asked for what a call inherits; deeper than any agent nests
LAST = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, str]  # trace id, span id


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One LLM call with what it inherits."""

    span: Span
    conversation_id: str | None
    user_id: str | None
    release: str | None
    agent: str | None
    tool: Span | None  # the tool run inside which this call, or its agent, ran
    agent_span: str | None = None  # id of the nearest agent span
    nested_in: str | None = None  # span id of the call that this one is part of
    twins: tuple[Span, ...] = ()  # other spans of the same request

    @property
    def key(self) -> Key:
        return self.span.trace_id, self.span.span_id

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        """Time, then the shorter history first; the ids make it total."""
        span = self.span
        return span.started_at or LAST, len(span.input), span.span_id, span.trace_id

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans of the request."""
        return self.span, *self.twins

    def evolve(self, **changes: Any) -> "Call":
        """The same call with other columns on its span."""
        return msgspec.structs.replace(self, span=msgspec.structs.replace(self.span, **changes))


def calls(spans: Iterable[Span]) -> list[Call]:
    """The LLM calls among spans, in the one order that assembly uses everywhere."""
    by_key = {(span.trace_id, span.span_id): span for span in spans}
    found = [_call(span, _above(span, by_key)) for span in by_key.values() if span.kind == "llm"]
    return sorted(found, key=lambda call: call.order)


def _above(span: Span, by_key: Mapping[Key, Span]) -> list[Span]:
    """The ancestors, nearest first, `DEPTH` at most; a circle of parents ends where it closes."""
    above: list[Span] = []
    seen = {span.span_id}
    parent = by_key.get((span.trace_id, span.parent_span_id or ""))
    while parent is not None and parent.span_id not in seen and len(above) < DEPTH:
        above.append(parent)
        seen.add(parent.span_id)
        parent = by_key.get((span.trace_id, parent.parent_span_id or ""))
    return above


def _call(span: Span, above: Sequence[Span]) -> Call:
    agents = [i for i, other in enumerate(above) if other.kind == "agent"]
    start = agents[0] if agents else 0
    line = [span, *above]
    return Call(
        span=span,
        conversation_id=_first(other.conversation_id for other in line),
        user_id=_first(other.user_id for other in line),
        release=_first(filter(is_given, (s.release for s in line))) or span.release,
        agent=span.agent or (_name(above[agents[0]]) if agents else None),
        tool=next((other for other in above[start:] if other.kind == "tool"), None),
        agent_span=above[agents[0]].span_id if agents else None,
        nested_in=_nested_in(above),
    )


def _nested_in(above: Sequence[Span]) -> str | None:
    """Not any call above: a sub-agent's calls stand below a call too, with a tool between them."""
    nearest = next((other for other in above if other.kind != "other"), None)
    return nearest.span_id if nearest is not None and nearest.kind == "llm" else None


def _name(agent: Span) -> str:
    return agent.agent or agent.name


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)
