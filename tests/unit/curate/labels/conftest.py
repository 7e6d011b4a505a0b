"""Votes made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.curate.conversation import Conversation
from headrace.curate.labels.vote import Vote
from headrace.lake.message import Body

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)
OLD = T0 - timedelta(days=30)
DAY = timedelta(days=1)


def vote(value: int | None, at: float = 0, **fields: Any) -> Vote:
    """`at` in hours after T0."""
    given = {"episode_id": "e", "name": "thumb", "source": "user", **fields}
    return Vote(value=value, at=T0 + timedelta(hours=at), **given)


def episode(episode_id: str = "e", *messages: Body, **fields: Any) -> Conversation:
    """An episode as the rules see it."""
    names = dict.fromkeys(Conversation.__struct_fields__)
    empty = dict.fromkeys(("trainable", "trace_ids", "span_ids", "defects"), ())
    given: dict[str, Any] = {
        **names, **empty, "project": "p", "metadata": {}, "representative": True,
        "resolution": "unmarked", "request": "", "messages": messages, "episode_id": episode_id,
    }  # fmt: skip
    return Conversation(**{**given, **fields})
