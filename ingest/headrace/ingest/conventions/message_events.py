"""Messages in events: span events, log records, or a JSON attribute of such.

OpenTelemetry GenAI 1.28 to 1.36 tell each message as an event of its own; later eras tell all of a
call in one event `gen_ai.client.inference.operation.details`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headrace.ingest.conventions import gen_ai
from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import finish, get
from headrace.ingest.jsontext import value_of
from headrace.ingest.telemetry import SpanData, Value
from headrace.ingest.tools import definitions
from headrace.lake.message import Body

DETAILS = "gen_ai.client.inference.operation.details"
CHOICE = "gen_ai.choice"
ROLES = {
    f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool", "developer")
}
NAMES = frozenset((DETAILS, CHOICE, *ROLES))

EVENTS = "events"  # the JSON attribute
_AZURE = "gen_ai.event.content"  # attribute of an event of Azure AI: the body as JSON
_CONVERSE = frozenset(("text", "toolUse", "toolResult", "reasoningContent", "image", "document"))


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event, wherever it travelled."""

    name: str
    attributes: Mapping[str, Value]
    body: Value = None


def details(span: SpanData) -> Content | None:
    """The content of a span's detail events; their attributes are united."""
    return of_details(_events(span))


def messages(span: SpanData) -> Content | None:
    """The content of a span's message events."""
    return of_messages(_events(span))


def attribute(span: SpanData) -> Content | None:
    """The content of the JSON attribute `events`."""
    listed = value_of(span.attributes.get(EVENTS))
    if not isinstance(listed, list):
        return None
    found = of_messages(
        Event(name=str(one.get("event.name")), attributes={}, body=one)
        for one in listed
        if isinstance(one, dict)
    )
    if found is None:
        return None
    response = value_of(span.attributes.get("response"))
    return msgspec.structs.replace(
        found,
        tools=gen_ai.requested_tools(span.attributes) or definitions(get(response, "tools")),
        finish=found.finish or finish(response),
        read=frozenset((EVENTS,)),
        response=response if isinstance(response, Mapping) else {},
    )


def facts(span: SpanData) -> Mapping[str, object]:
    """What a tool was given and gave, where Strands tells it: in message events of its run."""
    if not span.events or "gen_ai.tool.name" not in span.attributes:
        return {}
    told = {event.name: event.attributes for event in span.events}
    given = told.get("gen_ai.tool.message", {}).get("content")
    answer = told.get(CHOICE, {}).get("message")
    found = {"tool_arguments": given, "tool_result": _blocks(answer)}
    return {field: value for field, value in found.items() if value is not None}


def of_details(events: Iterable[Event]) -> Content | None:
    """The united attributes of detail events, read as those of a span."""
    united: dict[str, Value] = {}
    for event in events:
        if event.name == DETAILS:
            united |= event.attributes
            united |= event.body if isinstance(event.body, Mapping) else {}
    return gen_ai.of_attributes(united) if united else None


def of_messages(events: Iterable[Event]) -> Content | None:
    """Message events in their order; without a choice the last assistant turns are the output."""
    sent: list[Body] = []
    chosen: list[Body] = []
    reason: object = None
    for event in events:
        if event.name == CHOICE:
            fields = _fields(event)
            if fields.get("index") in (None, 0):
                chosen.append(_choice(fields))
                reason = fields.get("finish_reason")
        elif event.name in ROLES:
            sent.append({"role": ROLES[event.name], **_fields(event)})
    if not sent and not chosen:
        return None
    heard, said = (sent, chosen[:1]) if chosen else _parted(sent)
    return Content(input=heard, output=said, finish=reason if isinstance(reason, str) else None)


def _events(span: SpanData) -> Iterable[Event]:
    return (Event(name=event.name, attributes=event.attributes) for event in span.events)


def _fields(event: Event) -> dict[str, Any]:
    """A message as the body tells it, else as attributes do, which hold JSON."""
    if isinstance(event.body, Mapping) and event.body:
        return {**event.body}
    whole = value_of(event.attributes.get(_AZURE))
    if isinstance(whole, Mapping):
        return {**whole}
    return {key: _blocks(value) for key, value in event.attributes.items()}


def _blocks(value: Value) -> Value:
    """Bedrock Converse blocks out of JSON text; any other text as it is."""
    read = value_of(value) if isinstance(value, str) and value[:1] in ("[", "{") else None
    blocks = read if isinstance(read, list) else []
    is_converse = all(isinstance(one, dict) and _CONVERSE & one.keys() for one in blocks)
    return blocks if blocks and is_converse else value


def _choice(fields: Mapping[str, Any]) -> Body:
    message = fields.get("message")
    if isinstance(message, str):
        message = value_of(message) if message[:1] == "{" else message
    inner = message if isinstance(message, Mapping) else {"content": message}
    calls = {"tool_calls": fields["tool_calls"]} if fields.get("tool_calls") else {}
    return {**calls, **inner, "role": "assistant"}


def _parted(sent: list[Body]) -> tuple[list[Body], list[Body]]:
    end = len(sent)
    while end and sent[end - 1]["role"] == "assistant":
        end -= 1
    return sent[:end], sent[end:]
