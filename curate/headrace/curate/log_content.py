"""Model calls whose messages travel in log records instead of on their spans.

A record may come before its span or after it, and in any number of requests: the records of a span
are read together, whenever one of them is new.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.ingest.conventions import claude_code, message_events
from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.message_events import Event
from headrace.ingest.model_call import ModelCall, model_call, row
from headrace.ingest.release import is_given
from headrace.ingest.span_row import content_columns
from headrace.ingest.tools import toolset
from headrace.lake.message import Message, digest
from headrace.lake.record import LogEvent, Span, Toolset

MADE = "headrace.logs"  # scope of a span that is made here

NAMES = (*sorted(message_events.NAMES), claude_code.REQUEST, claude_code.RESPONSE)

DETAILS, MESSAGES, BODIES = CONVENTIONS = ("gen_ai_event", "gen_ai_message_events", "claude_code")

_FIRST = datetime.min.replace(tzinfo=UTC)
_ABSENT = frozenset(("no_content",))  # no defects any more once content has come

Key = tuple[str | None, str | None]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What log records add to the spans of a group."""

    spans: tuple[Span, ...] = ()  # each in the place of the one with its ids, or new
    messages: tuple[Message, ...] = ()
    toolsets: tuple[Toolset, ...] = ()


class _Filled(msgspec.Struct, frozen=True, kw_only=True):
    span: Span
    call: ModelCall


def told(spans: Iterable[Span], events: Iterable[LogEvent]) -> Told:
    """The calls among spans that get their messages from events; others are left as they are.

    Spans that were made here before are made again: a real one may have come in their place.
    """
    given = [span for span in spans if span.scope != MADE]
    records = sorted({_identity(event): event for event in events}.values(), key=_order)
    filled = [*_from_messages(given, records), *_from_bodies(given, records)]
    messages = {m.hash: m for one in filled for m in map(row, one.call.input + one.call.output)}
    sets = [toolset(one.call.tools) for one in filled if one.call.tools is not None]
    return Told(
        spans=tuple(one.span for one in filled),
        messages=tuple(messages.values()),
        toolsets=tuple({one.hash: one for one in sets}.values()),
    )


def _identity(event: LogEvent) -> object:
    """What is equal where a record was delivered twice."""
    return event.hash or (event.trace_id, event.span_id, event.name, event.at, event.body)


def _order(event: LogEvent) -> tuple[datetime, int, str]:
    return event.at or _FIRST, event.nth or 0, event.body or event.attributes


def _from_messages(spans: Sequence[Span], events: Sequence[LogEvent]) -> Iterator[_Filled]:
    """Calls with the message events, or the detail events, of their span."""
    by_span: dict[Key, list[Event]] = defaultdict(list)
    for event in events:
        if event.name in message_events.NAMES:
            by_span[event.trace_id, event.span_id].append(_event(event))
    for span in spans:
        own = by_span.get((span.trace_id, span.span_id))
        if span.kind != "llm" or not own or not _is_open(span):
            continue
        details, messages = message_events.of_details(own), message_events.of_messages(own)
        if details is not None and (details.input or messages is None):
            yield _filled(span, details, DETAILS)
        elif messages is not None:
            yield _filled(span, messages, MESSAGES)


def _is_open(span: Span) -> bool:
    """Whether records may say what a span said: it has nothing, or what they told before."""
    return not span.input or span.convention in CONVENTIONS


def _event(event: LogEvent) -> Event:
    return Event(
        name=event.name,
        attributes=json.loads(event.attributes),
        body=json.loads(event.body) if event.body else None,
    )


def _from_bodies(spans: Sequence[Span], events: Sequence[LogEvent]) -> Iterator[_Filled]:
    """Claude Code: the n-th pair of bodies below a span is the n-th call below it."""
    waiting: dict[Key, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: (span.started_at or _FIRST, span.span_id)):
        if span.kind == "llm" and _is_open(span):
            waiting[span.trace_id, span.parent_span_id].append(span)
    for request, response in _pairs(events):
        content = claude_code.told(_fields(request), _fields(response) if response else None)
        own = waiting[request.trace_id, request.span_id]
        span = own.pop(0) if own else _made(request, response)
        yield _filled(span, content, BODIES)


def _pairs(events: Sequence[LogEvent]) -> Iterator[tuple[LogEvent, LogEvent | None]]:
    """Each request in the order of time, with the answer that names it."""
    answers = {
        _fields(event).get(claude_code.PAIR): event
        for event in events
        if event.name == claude_code.RESPONSE
    }
    for event in events:
        if event.name == claude_code.REQUEST:
            yield event, answers.get(_fields(event).get(claude_code.PAIR))


def _made(request: LogEvent, response: LogEvent | None) -> Span:
    """A call that no span tells of: Claude Code sends spans only when asked to."""
    own = _fields(request)
    session = str(own.get("session.id") or "")
    name = digest(str(own.get(claude_code.PAIR) or request.attributes))
    return Span(
        project=request.project,
        trace_id=request.trace_id or "",
        span_id=name[:16],
        parent_span_id=request.span_id,
        kind="llm",
        name="claude_code.llm_request",
        received_at=request.received_at,
        started_at=request.at,
        ended_at=response.at if response else None,
        scope=MADE,
        provider="anthropic",
        service="claude-code",
        conversation_id=session or None,
        user_id=str(own["user.id"]) if own.get("user.id") else None,
        agent=claude_code.agent(str(own.get("query_source") or "")),
    )


def _filled(span: Span, content: Content, convention: str) -> _Filled:
    call = model_call(content, convention, failed=span.error is not None)
    own = _known(span)
    columns = content_columns(call, own, span.release if is_given(span.release) else None)
    standing = {key: value for key, value in columns.items() if value is None}
    columns |= {key: getattr(span, key) for key in standing}
    columns |= {key: value for key, value in _usage(span, call).items()}
    defects = {*span.defects, *call.defects} - (_ABSENT if call.input or call.output else set())
    return _Filled(
        call=call,
        span=msgspec.structs.replace(
            span,
            input=tuple(row(body).hash for body in call.input),
            output=tuple(row(body).hash for body in call.output),
            tools_hash=toolset(call.tools).hash if call.tools is not None else span.tools_hash,
            convention=convention,
            defects=tuple(sorted(defects)),
            **columns,
        ),
    )


def _known(span: Span) -> Mapping[str, object]:
    """What the span's own attributes told, under the keys by which it is asked for."""
    told = {
        "gen_ai.response.model": span.model,
        "gen_ai.response.id": span.response_id,
        "gen_ai.request.previous_response.id": span.previous_response_id,
        "gen_ai.response.finish_reasons": span.finish_reason,
    }
    return {key: value for key, value in told.items() if value is not None}


def _usage(span: Span, call: ModelCall) -> dict[str, int]:
    """Tokens of Anthropic's answer where no span counted them; its input leaves the cache out."""
    usage = call.response.get("usage")
    if span.input_tokens is not None or not isinstance(usage, Mapping):
        return {}
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counts = [_count(usage.get(part)) for part in parts]
    given = {
        "input_tokens": None if counts[0] is None else sum(count or 0 for count in counts),
        "output_tokens": _count(usage.get("output_tokens")),
        "cached_tokens": counts[1],
        "cache_write_tokens": counts[2],
    }
    return {field: value for field, value in given.items() if value is not None}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _fields(event: LogEvent) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(event.attributes)
    return fields
