"""A decoded span as rows: the span, the messages it carried and its tool definitions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.ingest import aliases, naming
from headrace.ingest.conventions import Among, candidates, content_of, facts_of, kind_of
from headrace.ingest.gist import gist
from headrace.ingest.jsontext import clean, cleaned, dumped, value_of
from headrace.ingest.memo import Memo
from headrace.ingest.model_call import HIDDEN, ModelCall, model_call
from headrace.ingest.parts import arguments, result, result_text
from headrace.ingest.release import release_of, system_text
from headrace.ingest.telemetry import Attributes, SpanData
from headrace.ingest.tools import toolset
from headrace.lake.message import Message, dump
from headrace.lake.record import Span, SpanKind, Toolset

STORED_CHARS = 32 * 1024 * 1024  # of one JSON column: what no convention reads yet may be long
_SDK_LIMIT = 128  # attributes an OpenTelemetry SDK keeps unless told otherwise
_CLIFF = 3  # long texts of one span that chance does not end at one length
_LONG = 100  # characters from which on
_CAPS = frozenset((1024, 1028, 65536))  # characters at which vendors are known to cut
_RUN_FIELDS = ("tool_arguments", "tool_result")
_PREVIOUS = "previous_response_id"  # of the parameters, and of the raw answer
_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)

Facts = Mapping[str, object]


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    span: Span
    messages: tuple[Message, ...] = ()
    toolsets: tuple[Toolset, ...] = ()


def rows(data: SpanData, *, project: str, received_at: datetime) -> Rows:
    """The rows of a span; a convention that is not known loses no span, only its meaning.

    Attributes that hold nothing but messages which were read are not stored a second time.
    """
    among = candidates(data)
    kind, family = kind_of(data, among)
    facts = facts_of(data, among)
    known = aliases.told(data.attributes)
    known.update(facts)
    call = _call(data, kind, family, among, facts, known)
    sent, answered = call.rows
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
        **_columns(data, kind, call, known),
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


def _columns(data: SpanData, kind: SpanKind, call: ModelCall, known: Facts) -> dict[str, Any]:
    """The columns that aliases and conventions fill."""
    held = aliases.told(data.resource)
    columns: dict[str, Any] = {
        "service": _text(data.resource.get("service.name")),
        "release": aliases.text(held.get("release") or known.get("release")),
        "agent": _agent(data, kind, known),
    }
    for field, column in (("conversation", "conversation_id"), ("user", "user_id")):
        columns[column] = aliases.text(known.get(field)) or aliases.text(held.get(field))
    return (
        columns | _call_columns(data, call, columns["release"], known) if kind == "llm" else columns
    )


def _call_columns(
    data: SpanData, call: ModelCall, given: str | None, known: Facts
) -> dict[str, Any]:
    request = aliases.request(data.attributes)
    columns = {
        "provider": aliases.provider(known.get("provider")),
        "request": stored(request) if request else None,
        "cost_usd": aliases.usd(known.get("cost")),
        "ttft_ms": aliases.ttft_ms(data, known),
    }
    columns |= {field: aliases.count(known.get(field)) for field in _TOKENS}
    columns |= _said_columns(call, known, given)
    columns["previous_response_id"] = columns["previous_response_id"] or aliases.text(
        request.get(_PREVIOUS)
    )
    return columns


def content_columns(call: ModelCall, own: Attributes, given: str | None) -> dict[str, Any]:
    """The columns that depend on what a call says; `given` is the release that was named."""
    return _said_columns(call, aliases.told(own), given)


def _said_columns(call: ModelCall, known: Facts, given: str | None) -> dict[str, Any]:
    answer = call.response
    model = aliases.text(known.get("model")) or _text(answer.get("model"))
    asked = aliases.text(known.get("request_model")) or model
    last, said = call.last_turn, call.output[0] if call.output else None
    named = given or not (call.input or call.output)
    release = given if named else release_of(None, system_text(call.input), asked, call.tools)
    return {
        "model": model,
        "release": release,
        "response_id": aliases.text(known.get("response_id")) or _text(answer.get("id")),
        "previous_response_id": aliases.text(
            known.get("previous_response") or answer.get(_PREVIOUS)
        ),
        "finish_reason": _finish(call, known),
        "said": gist(said) if said else None,
        "heard": gist(last) if last else None,
    }


def _finish(call: ModelCall, known: Facts) -> str | None:
    if any(body.get("tool_calls") for body in call.output):
        return "tool_calls"
    return aliases.finish(known.get("finish") or call.finish)


def _agent(data: SpanData, kind: SpanKind, known: Facts) -> str | None:
    own = aliases.text(known.get("agent"))
    if kind != "agent":
        return own
    return aliases.text(known.get("agent_span")) or own or data.name


def _call(
    data: SpanData, kind: SpanKind, family: str, among: Among, facts: Facts, known: Facts
) -> ModelCall:
    if kind == "tool":
        return _tool_run(data, family, facts, known)
    if kind != "llm":
        return ModelCall(convention=family)
    found = content_of(data, among)
    if found is None:
        return ModelCall(convention=family, defects=("no_content",))
    content, convention = found
    return model_call(content, convention, failed=aliases.error(data) is not None)


def _tool_run(data: SpanData, family: str, facts: Facts, known: Facts) -> ModelCall:
    """A tool's run as the call that asked for it and the message that answers it."""
    tool = aliases.text(known.get("tool")) or data.name
    identity = aliases.text(known.get("call")) or ""
    given, answer = (known.get(field) for field in _RUN_FIELDS)
    read = [field for field in _RUN_FIELDS if field not in facts]
    hidden = any(value in HIDDEN for value in (given, answer) if isinstance(value, str))
    given, answer = (None if value in HIDDEN else value for value in (given, _bare(answer)))
    if data.status == "error":
        answer = f"Error: {aliases.error(data)}"
        read = [field for field in read if field != "tool_result"]
    function = {"name": tool, "arguments": clean(arguments(given))}
    called = {"id": identity, "type": "function", "function": function}
    return ModelCall(
        convention=family,
        input=[{"role": "assistant", "content": None, "tool_calls": [called]}],
        output=[] if answer is None else [result(identity, clean(result_text(answer)))],
        defects=("content_hidden",) if hidden else (),
        read=aliases.keys(read, data.attributes),
    )


def _bare(answer: object) -> object:
    """A result without the quotes in which many products put a text, as JSON."""
    quoted = value_of(answer) if isinstance(answer, str) and answer[:1] == '"' else None
    return quoted if isinstance(quoted, str) else answer


def _loss(data: SpanData) -> Iterable[str]:
    if data.dropped or len(data.attributes) == _SDK_LIMIT:
        yield "suspected_dropped_attributes"
    if _is_cliff([value for value in data.attributes.values() if type(value) is str]):
        yield "size_cliff"


def _is_cliff(texts: Sequence[str]) -> bool:
    """Whether the longest texts end where a limit on their length would have cut them."""
    longest = max(map(len, texts), default=0)
    if longest < _LONG:
        return False
    return longest in _CAPS or len({text for text in texts if len(text) == longest}) >= _CLIFF


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
