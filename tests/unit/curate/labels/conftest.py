"""Votes made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.curate.labels.vote import Vote

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)
OLD = T0 - timedelta(days=30)
DAY = timedelta(days=1)


def vote(value: int | None, at: float = 0, **fields: Any) -> Vote:
    """`at` in hours after T0."""
    given = {"episode_id": "e", "name": "thumb", "source": "user", **fields}
    return Vote(value=value, at=T0 + timedelta(hours=at), **given)
