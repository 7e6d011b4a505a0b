"""Which versions of data sets hold what somebody said: to be looked up before it is erased."""

from datetime import datetime

import msgspec

from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one version that were made from the episodes asked for."""

    project: str
    name: str
    version: str
    objective: str
    at: datetime
    row_ids: tuple[str, ...]
    splits: tuple[str, ...]
    episode_ids: tuple[str, ...]
    hub_repo: str | None = None
    hub_revision: str | None = None


def holdings(
    lake: Lake,
    *,
    project: str | None = None,
    user: str | None = None,
    conversation: str | None = None,
    episode: str | None = None,
) -> list[Holding]:
    """Every version with a row of a user, a conversation or an episode, oldest first.

    An episode is found by its name even where the lake has lost it.
    """
    asked = {"project": project, "user": user, "conversation": conversation, "episode": episode}
    rows = lake.rows(statements("headrace.exporters")["holdings"], asked)
    return [msgspec.convert(row, Holding) for row in rows]
