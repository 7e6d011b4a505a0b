"""Two spans of one request: what double instrumentation sends, told once.

A client library and a framework around it may both be instrumented, and some products tell the
request and its streamed answer in two spans.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from headrace.curate.ancestry import Call, Key
from headrace.curate.likeness import Faces
from headrace.lake.record import Span

DEFECT = "duplicate_call"

_GAPS = (  # what one span may know and the other not
    "provider",
    "model",
    "release",
    "conversation_id",
    "user_id",
    "agent",
    "response_id",
    "previous_response_id",
    "tools_hash",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_usd",
    "ttft_ms",
    "finish_reason",
    "error",
)


def merged(calls: Iterable[Call], faces: Faces) -> list[Call]:
    """The calls, in their order, with the spans of one request as one call."""
    found = _Requests(faces)
    for call in calls:
        found.add(call)
    return sorted(found.calls, key=lambda call: call.order)


class _Requests:
    """The requests seen so far, by what a further span of one may share with it."""

    def __init__(self, faces: Faces) -> None:
        self.calls: list[Call] = []
        self._faces = faces
        self._by_span: dict[Key, int] = {}
        self._by_outer: dict[Key, int] = {}  # the span that a call is part of, not seen yet
        self._by_response: dict[Key, int] = {}
        self._last: dict[tuple[str, str | None, str | None], int] = {}  # beside one another

    def add(self, call: Call) -> None:
        at = next((at for at in self._candidates(call) if at is not None), None)
        if at is None:
            at = len(self.calls)
            self.calls.append(call)
        else:
            self.calls[at] = _united(self.calls[at], call)
        trace = call.span.trace_id
        self._by_span[call.key] = at
        self._last[trace, call.span.parent_span_id, call.span.scope] = at
        if call.nested_in:
            self._by_outer.setdefault((trace, call.nested_in), at)
        if call.span.response_id:
            self._by_response.setdefault((trace, call.span.response_id), at)

    def _candidates(self, call: Call) -> Iterator[int | None]:
        trace, span = call.span.trace_id, call.span
        yield self._by_span.get((trace, call.nested_in or ""))
        yield self._by_outer.get(call.key)
        same = self._by_response.get((trace, span.response_id or ""))
        yield same if same is not None and _is_told_twice(self.calls[same].span, span) else None
        beside = self._last.get((trace, span.parent_span_id, span.scope))
        yield beside if beside is not None and self._is_streamed(beside, span) else None

    def _is_streamed(self, at: int, answer: Span) -> bool:
        """Whether a request told without its answer, and an answer told by itself, are one."""
        request = self.calls[at].span
        asked = bool(request.input) and not request.output and not _failed(request)
        return (
            asked
            and bool(answer.output)
            and request.convention == answer.convention
            and self._faces.alike(request.input, answer.input)
        )


def _is_told_twice(first: Span, second: Span) -> bool:
    """Whether two spans with one response id are of two libraries."""
    one_empty = _is_empty(first) or _is_empty(second)
    return first.scope != second.scope and (one_empty or len(first.input) == len(second.input))


def _failed(span: Span) -> bool:
    return span.error is not None or span.status == "error"


def _is_empty(span: Span) -> bool:
    return not span.input and not span.output


def _richness(call: Call) -> tuple[object, ...]:
    span = call.span
    return (
        bool(span.output),
        len(span.input),
        span.tools_hash is not None,
        span.input_tokens is not None,
        span.ttft_ms is not None,
    )


def _united(first: Call, second: Call) -> Call:
    """The richer call, the gaps of its span filled from the other."""
    kept, other = (first, second) if _richness(first) >= _richness(second) else (second, first)
    span = kept.span
    gaps = {
        field: getattr(other.span, field)
        for field in _GAPS
        if getattr(span, field) is None and not (field == "error" and span.output)
    }
    united = msgspec.structs.replace(
        span,
        **gaps,
        started_at=min(_known(span.started_at, other.span.started_at), default=None),
        ended_at=max(_known(span.ended_at, other.span.ended_at), default=None),
    )
    return msgspec.structs.replace(
        kept,
        span=united,
        twins=(*kept.twins, other.span, *other.twins),
        conversation_id=kept.conversation_id or other.conversation_id,
        user_id=kept.user_id or other.user_id,
        agent=kept.agent or other.agent,
        tool=kept.tool or other.tool,
        agent_span=kept.agent_span or other.agent_span,
    )


def _known(*times: datetime | None) -> list[datetime]:
    return [time for time in times if time is not None]
