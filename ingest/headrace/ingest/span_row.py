"""A decoded span as rows: the span, the messages it carried and its tool definitions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from headrace.ingest import aliases, naming
from headrace.ingest.conventions import Convention, candidates, content_of, kind_of
from headrace.ingest.conventions.content import Content
from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import cleaned, dumped
from headrace.ingest.memo import Memo
from headrace.ingest.messages import canonical
from headrace.ingest.parts import arguments, result
from headrace.ingest.release import release_of, system_text
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import toolset
from headrace.lake.message import Body, Message, dump
from headrace.lake.record import Span, SpanKind, Toolset

STORED_CHARS = 32 * 1024 * 1024  # of one JSON column: what no convention reads yet may be long
_SDK_LIMIT = 128  # attributes an OpenTelemetry SDK keeps unless told otherwise
_MEDIA = ("text", "image_url", "file", "input_audio")
_HIDDEN = ("__REDACTED__", "[REDACTED]")  # what instrumentation puts in the place of a text


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    span: Span
    messages: tuple[Message, ...] = ()
    toolsets: tuple[Toolset, ...] = ()


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical message as it is stored, and what is wrong with it."""

    message: Message
    defects: frozenset[str]


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a span says in messages, canonical."""

    convention: str
    input: list[Body] = []
    output: list[Body] = []
    tools: list[Body] | None = None
    defects: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()
    finish: str | None = None
    response: Mapping[str, object] = {}


def rows(data: SpanData, *, project: str, received_at: datetime) -> Rows:
    """The rows of a span; a convention that is not known loses no span, only its meaning.

    Attributes that hold nothing but messages which were read are not stored a second time.
    """
    among = candidates(data)
    kind, family = kind_of(data, among)
    call = _call(data, kind, family, among)
    sent = tuple(_said(body).message for body in call.input)
    answered = tuple(_said(body).message for body in call.output)
    tools = (toolset(call.tools),) if call.tools is not None else ()
    span = Span(
        project=project,
        trace_id=data.trace_id,
        span_id=data.span_id,
        parent_span_id=data.parent_span_id,
        kind=kind,
        name=data.name,
        received_at=received_at,
        started_at=data.started_at,
        ended_at=data.ended_at,
        status=data.status,
        error=aliases.error(data),
        scope=data.scope or None,
        input=tuple(message.hash for message in sent),
        output=tuple(message.hash for message in answered),
        tools_hash=tools[0].hash if tools else None,
        convention=call.convention,
        defects=tuple(sorted({*call.defects, *_loss(data)})),
        attributes=stored({k: v for k, v in data.attributes.items() if k not in call.read}),
        resource=_resource(data.resource),
        events=_events(data),
        **_facts(data, kind, call),
    )
    return Rows(span=span, messages=sent + answered, toolsets=tools)


def stored(attributes: Attributes) -> str:
    """Attributes as canonical JSON; over the cap the longest texts give way to their length."""
    external = attributes.get(aliases.EXTERNAL)
    if isinstance(external, str):
        attributes = {**attributes, aliases.EXTERNAL: naming.mended(external)}
    text = dumped(attributes)
    return text if len(text) <= STORED_CHARS else _shortened(attributes)


_resource = Memo(stored)  # all spans of a process tell the same


def _shortened(attributes: Attributes) -> str:
    kept = {key: cleaned(value) for key, value in attributes.items()}
    sizes = {key: len(dump(value)) for key, value in kept.items()}
    total = sum(sizes.values())
    for key in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if total <= STORED_CHARS:
            break
        kept[key] = f"[cut: {sizes[key]} characters]"
        total -= sizes[key]
    return dump(kept)


def _facts(data: SpanData, kind: SpanKind, call: _Call) -> dict[str, Any]:
    """The columns that aliases fill."""
    own, held = data.attributes, data.resource
    facts: dict[str, Any] = {
        "service": _text(held.get("service.name")),
        "release": aliases.text("release", held, own),
        "conversation_id": aliases.text("conversation", own, held),
        "user_id": aliases.text("user", own, held),
        "agent": _agent(data, kind),
    }
    return facts | _model_facts(data, call, facts["release"]) if kind == "llm" else facts


def _model_facts(data: SpanData, call: _Call, given: str | None) -> dict[str, Any]:
    own, answer = data.attributes, call.response
    provider = aliases.text("provider", own)
    model = aliases.text("model", own) or _text(answer.get("model"))
    asked = aliases.text("request_model", own) or model
    content = bool(call.input or call.output)
    request = aliases.request(own)
    return {
        "provider": provider.lower() if provider else None,
        "model": model,
        "release": release_of(given, system_text(call.input), asked, call.tools)
        if content
        else given,
        "response_id": aliases.text("response_id", own) or _text(answer.get("id")),
        "request": stored(request) if request else None,
        "input_tokens": aliases.count("input_tokens", own),
        "output_tokens": aliases.count("output_tokens", own),
        "cached_tokens": aliases.count("cached_tokens", own),
        "cache_write_tokens": aliases.count("cache_write_tokens", own),
        "reasoning_tokens": aliases.count("reasoning_tokens", own),
        "cost_usd": aliases.money("cost", own),
        "ttft_ms": aliases.ttft_ms(data),
        "finish_reason": _finish(data, call),
    }


def _finish(data: SpanData, call: _Call) -> str | None:
    if any(body.get("tool_calls") for body in call.output):
        return "tool_calls"
    return aliases.finish(aliases.find("finish", data.attributes) or call.finish)


def _agent(data: SpanData, kind: SpanKind) -> str | None:
    return aliases.text("agent", data.attributes) or (data.name if kind == "agent" else None)


def _call(data: SpanData, kind: SpanKind, family: str, among: Iterable[Convention]) -> _Call:
    if kind == "tool":
        return _tool_run(data, family)
    if kind != "llm":
        return _Call(convention=family)
    found = content_of(data, among)
    if found is None:
        return _Call(convention=family, defects=("no_content",))
    content, convention = found
    try:
        return _model_call(data, content, convention)
    except Undecodable:
        return _Call(convention=convention, defects=(*content.defects, "unreadable_messages"))


def _model_call(data: SpanData, content: Content, convention: str) -> _Call:
    """Raises Undecodable where a message has no canonical form."""
    sent = canonical(content.input)
    before = sum(len(body.get("tool_calls", ())) for body in sent)
    answered = [
        body
        for body in canonical(content.output, calls_before=before)
        if body["role"] == "assistant" and not (_empty(body) and aliases.error(data))
    ]
    seen = frozenset[str]().union(*(_said(body).defects for body in [*sent, *answered]))
    defects = [*content.defects, *seen]
    nothing = not sent and not answered
    return _Call(
        convention=convention,
        input=sent,
        output=answered[:1],
        tools=content.tools,
        defects=tuple([*defects, "no_content"] if nothing else defects),
        read=frozenset() if defects or nothing else content.read,
        finish=content.finish,
        response=content.response,
    )


def _tool_run(data: SpanData, family: str) -> _Call:
    """A tool's run as the call that asked for it and the message that answers it."""
    own = data.attributes
    tool = aliases.text("tool", own) or data.name
    identity = aliases.text("call", own) or ""
    given, answer = aliases.find("tool_arguments", own), aliases.find("tool_result", own)
    read = ["tool_arguments", "tool_result"]
    if data.status == "error":
        answer = f"Error: {aliases.error(data)}"
        read.remove("tool_result")
    function = {"name": tool, "arguments": arguments(given)}
    called = {"id": identity, "type": "function", "function": function}
    return _Call(
        convention=family,
        input=[{"role": "assistant", "content": None, "tool_calls": [called]}],
        output=[] if answer is None else [result(identity, answer)],
        read=aliases.keys(read, own),
    )


def _empty(body: Body) -> bool:
    return not body["content"] and not body.get("tool_calls")


def _judged(body: Body) -> _Said:
    return _Said(message=Message.of(body), defects=frozenset(_seen(body)))


_said = Memo(_judged)


def _seen(body: Body) -> Iterable[str]:
    parts = body["content"] if isinstance(body["content"], list) else ()
    if any(part.get("type") not in _MEDIA for part in parts):
        yield "unknown_part"
    if any(text in _HIDDEN for text in _texts(body)):
        yield "content_hidden"


def _texts(body: Body) -> Iterable[object]:
    content = body["content"]
    yield from (part.get("text") for part in content) if isinstance(content, list) else (content,)
    yield from (entry["function"]["arguments"] for entry in body.get("tool_calls", ()))


def _loss(data: SpanData) -> Iterable[str]:
    if data.dropped or len(data.attributes) == _SDK_LIMIT:
        yield "suspected_dropped_attributes"


def _events(data: SpanData) -> str:
    if not data.events:
        return "[]"
    told = [
        {
            "name": event.name,
            "at": event.at.isoformat() if event.at else None,
            "attributes": cleaned(event.attributes),
        }
        for event in data.events
    ]
    text = dump(told)
    return text if len(text) <= STORED_CHARS else dump([{**e, "attributes": {}} for e in told])


def _text(value: object) -> str | None:
    return naming.mended(str(value)) if value not in (None, "") else None
