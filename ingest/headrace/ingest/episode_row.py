"""An episode that a product hands over whole, as rows: posted over HTTP or loaded from a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from headrace.ingest import naming
from headrace.ingest.batch import CONTENT, Batch
from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import clean, cleaned, dumped
from headrace.ingest.messages import canonical
from headrace.ingest.release import release_of, system_text
from headrace.ingest.tools import definitions
from headrace.lake.message import Body, Message, digest, dump, text_of
from headrace.lake.record import Episode


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a product knows of an episode."""

    messages: object
    tools: object = None
    conversation: str | None = None
    user: str | None = None
    release: str | None = None
    model: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    metadata: Mapping[str, Any] = {}


def identity(given: Given) -> str:
    """The id of an episode that was given none: the hash of all that is known of it."""
    return digest(dumped(_plain(given)))


def episode(given: Given, *, episode_id: str, content: str, project: str, at: datetime) -> Batch:
    """The episode as its first revision, with its messages; `content` is its `identity`.

    Every assistant message that says or does something is trained. Raises Undecodable naming
    message and field.
    """
    _check_names(given, episode_id, project)
    bodies = canonical(given.messages)
    if not bodies:
        raise Undecodable("messages is empty: give at least one message")
    tools = _tools(given.tools)
    messages = tuple(Message.of(body) for body in bodies)
    row = Episode(
        project=project,
        episode_id=episode_id,
        revision=1,
        at=at,
        messages=tuple(message.hash for message in messages),
        trainable=tuple(body["role"] == "assistant" and _acts(body) for body in bodies),
        conversation_id=given.conversation,
        user_id=given.user,
        release=release_of(given.release, system_text(bodies), given.model, tools),
        model=given.model,
        started_at=given.started_at,
        ended_at=given.ended_at,
        latency_ms=_latency_ms(given.started_at, given.ended_at),
        tools=None if tools is None else dump(tools),
        request=_request(bodies),
        turns=sum(message.role == "assistant" for message in messages),
        tool_calls=sum(len(body.get("tool_calls", ())) for body in bodies),
        input_tokens=given.input_tokens,
        output_tokens=given.output_tokens,
        cost_usd=given.cost_usd,
        metadata=dump({**cleaned_metadata(given.metadata), CONTENT: content}),
    )
    return Batch(messages=messages, episodes=(row,))


def cleaned_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata that any JSON reader takes."""
    return {clean(str(key)): cleaned(value) for key, value in metadata.items()}


def _check_names(given: Given, episode_id: str, project: str) -> None:
    """Raises Undecodable."""
    naming.checked("id", episode_id)
    naming.checked("project", project, naming.PROJECT_CHARS)
    for field in ("conversation", "user", "release", "model"):
        naming.checked(field, getattr(given, field))
    external = given.metadata.get("external_id")
    naming.checked("metadata.external_id", external if isinstance(external, str) else None)


def _tools(raw: object) -> list[Body] | None:
    if raw is None:
        return None
    tools = definitions(raw)
    if tools is None:
        raise Undecodable("tools is no list: give a list of {type, function: {name, parameters}}")
    if isinstance(raw, Sequence) and not isinstance(raw, str) and len(tools) != len(raw):
        raise Undecodable("tools holds an entry without function.name: give every function a name")
    return tools


def _latency_ms(start: datetime | None, end: datetime | None) -> float | None:
    """An end before the start is a fault of a clock, and no latency."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds() * 1000.0


def _acts(body: Body) -> bool:
    """Whether a turn teaches anything: white space between two calls of a tool does not."""
    content = body["content"]
    said = content.strip() if isinstance(content, str) else content
    return bool(said or body.get("tool_calls") or body.get("reasoning_content"))


def _request(bodies: Sequence[Body]) -> str:
    """Text of the user turns before the first assistant turn; all of them where there is none.

    A greeting, which comes before any user turn and calls no tool, answers no request.
    """
    asked: list[str] = []
    for body in bodies:
        if body["role"] == "user":
            asked.append(text_of(body["content"]))
        elif body["role"] == "assistant" and (asked or body.get("tool_calls")):
            break
    return "\n".join(asked)


def _plain(given: Given) -> object:
    fields = msgspec.to_builtins(given)
    return {key: value for key, value in fields.items() if value not in (None, {})}
