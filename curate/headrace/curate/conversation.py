"""An episode with its messages at hand: what every later room reads instead of joining tables."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from headrace.lake.message import Body
from headrace.lake.record import Resolution
from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The last revision of an episode, outcome resolution included."""

    project: str
    episode_id: str
    revision: int | None = None  # None: not read from a lake
    messages: tuple[Body, ...]
    scrubbed: bool = False  # True: messages, request, metadata are without personal data
    trainable: tuple[bool, ...]  # one per message
    tools: tuple[Body, ...] | None  # None: no definitions known
    resolution: Resolution
    representative: bool  # False: a duplicate of another episode
    trace_ids: tuple[str, ...]
    span_ids: tuple[str, ...]
    parent_episode_id: str | None
    conversation_id: str | None
    user_id: str | None
    release: str | None
    model: str | None
    started_at: datetime | None
    ended_at: datetime | None
    request: str  # text of the user turns before the first trained turn
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    latency_ms: float | None
    finish_reason: str | None
    error: str | None
    defects: tuple[str, ...]
    metadata: Mapping[str, Any]
    success: bool | None
    score: float | None
    resolved_by: str | None

    @property
    def task(self) -> str | None:
        """The product's own name for what was asked (`headrace.task`), if it gave one."""
        task = self.metadata.get("task")
        return None if task is None else str(task)


def conversations(lake: Lake, project: str, *, waiting: bool = False) -> list[Conversation]:
    """The current episodes of a project, oldest first, with message bodies, as they were scrubbed.

    Those that are not scrubbed yet, or cannot be, are left out; with `waiting` they are there
    without anything that was said in them.
    """
    sql = statements("headrace.curate", "conversation.sql")
    episodes = lake.rows(sql["conversations"], {"project": project, "waiting": waiting})
    # Read after the episodes: a message is written with the first one that names it or before.
    hashes = sorted({name for row in episodes for name in row["messages"]})
    bodies: dict[str, Body] = {
        row["hash"]: decoded(row["body"])
        for row in lake.rows(sql["message_bodies"], {"hashes": hashes})
    }
    return [conversation(row, bodies) for row in episodes]


def projects(lake: Lake) -> list[str]:
    """Every project that the lake knows, by name."""
    return [row["project"] for row in lake.rows(statements("headrace.curate")["projects"])]


def decoded(text: str) -> Any:
    """What `json.loads` makes of a text.

    The quick reader refuses lone surrogates and numbers beyond all bounds. Raises ValueError, and
    RecursionError, where `json` does.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return json.loads(text)


def conversation(row: Mapping[str, Any], bodies: Mapping[str, Body]) -> Conversation:
    """An episode from its row in `current_episodes` and the bodies of its messages."""
    read: dict[str, Any] = {
        "messages": tuple(bodies[name] for name in row["messages"]),
        "trainable": tuple(row["trainable"]),
        "tools": None if row["tools"] is None else tuple(decoded(row["tools"])),
        "trace_ids": tuple(row["trace_ids"]),
        "span_ids": tuple(row["span_ids"]),
        "defects": tuple(row["defects"]),
        "metadata": decoded(row["metadata"]),
    }
    names = Conversation.__struct_fields__
    fields: dict[str, Any] = {name: read.get(name, row.get(name)) for name in names}
    return Conversation(**fields)
