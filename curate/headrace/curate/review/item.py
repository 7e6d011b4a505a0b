"""What a reviewer is shown: the open items, and of one of them all that is known."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from headrace.curate.block import blocks
from headrace.curate.conversation import Conversation, conversation, decoded
from headrace.curate.review.queue import NAME
from headrace.lake.message import Body
from headrace.lake.record import Source
from headrace.lake.statement import statements
from headrace.lake.store import Lake

_SQL = "headrace.curate.review", "review.sql"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is open, as it stands in a list."""

    item_id: str
    episode_id: str
    revision: int
    stratum: str
    why: str
    picked_at: datetime
    resolution: str | None
    p_success: float | None
    asked: int  # reviewers
    answers: int  # of other reviewers
    request: str
    release: str | None
    model: str | None
    started_at: datetime | None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One word on an episode."""

    source: Source
    name: str
    author: str | None
    success: bool | None
    score: float | None
    label: str | None
    comment: str | None
    corrected: bool
    at: datetime


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """An episode without personal data, and what was said of it."""

    conversation: Conversation
    said: tuple[Said, ...]  # reviewers of this item left out


def waiting(lake: Lake, project: str, reviewer: str | None = None) -> list[Waiting]:
    """The items that are open to a reviewer, or to anybody, whoever asked first goes first.

    An episode that has changed and waits to be scrubbed again is left out until it is.
    """
    sql, where = statements(*_SQL), {"project": project}
    items = lake.rows(sql["waiting"], {**where, "reviewer": reviewer, "name": NAME})
    names = [row["episode_id"] for row in items]
    shown = {
        row["episode_id"]: row for row in lake.rows(sql["shown"], {**where, "episodes": names})
    }
    return [
        msgspec.convert({**row, **shown[row["episode_id"]]}, Waiting)
        for row in items
        if row["episode_id"] in shown
    ]


def look(lake: Lake, project: str, episode_id: str) -> Look | None:
    """All that a reviewer may know; None where the episode is gone or waits to be scrubbed."""
    sql, where = statements(*_SQL), {"project": project, "episode": episode_id}
    rows = lake.rows(sql["episode"], where)
    if not rows:
        return None
    found = conversation(rows[0], _bodies(lake, rows[0]["messages"]))
    keys = {
        **where,
        "name": NAME,
        "traces": list(found.trace_ids),
        "spans": list(found.span_ids),
        "conversation": found.conversation_id,
        "externals": _externals(found.metadata),
    }
    said = tuple(msgspec.convert(row, Said) for row in lake.rows(sql["marks"], keys))
    return Look(conversation=found, said=said)


def _bodies(lake: Lake, names: Iterable[str]) -> dict[str, Body]:
    """Scrubbed messages by name: their rows are found first, as texts take long to unpack."""
    import pyarrow as pa

    sql = statements("headrace.curate", "backlog.sql")
    wanted = {"wanted": pa.table({"hash": pa.array(sorted(set(names)), pa.string())})}
    places = lake.table(sql["places_of_scrubbed_messages"], tables=wanted).select(["place"])
    rows = lake.table(
        sql["scrubbed_messages_of_places"], blocks(np.asarray(places["place"])), {"wanted": places}
    )
    return {row["hash"]: decoded(row["body"]) for row in rows.to_pylist()}


def _externals(metadata: Mapping[str, Any]) -> list[str]:
    """The product's own ids of an episode; of scrubbed metadata, so that some may not be known."""
    held = metadata.get("external_ids")
    more = held if isinstance(held, list) else []
    return [str(name) for name in (metadata.get("external_id"), *more) if name is not None]
