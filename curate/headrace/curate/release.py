"""Releases seen in episodes: when each was first seen, and on what it ran."""

from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.ingest.release import is_given
from headrace.lake.message import digest
from headrace.lake.record import Release
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction


def observed(lake: Lake, project: str) -> list[Release]:
    """The rows of `releases` to write: new ones, and those an earlier span or mark corrects.

    A release that was given with scores keeps its kind and notes; the earlier time stands.
    """
    sql = statements("headrace.curate")
    where = {"project": project}
    known = {row["release"]: Release(**row) for row in lake.rows(sql["standing_releases"], where)}
    seen = [_release(row) for row in lake.rows(sql["seen_releases"], where)]
    merged = [(_merged(known.get(row.release), row), known.get(row.release)) for row in seen]
    return [new for new, old in merged if new != old]


def record(lake: Lake, project: str) -> None:
    """Bring `releases` up to the episodes; nothing is written where nothing changed."""
    sql = statements("headrace.curate", "release.sql")
    found = observed(lake, project)
    standing = lake.rows(statements("headrace.curate")["standing_releases"], {"project": project})
    hashed = any(not is_given(row["release"]) for row in standing)
    renamed = lake.rows(sql["renamed_releases"], {"project": project}) if hashed else []
    gone = [row["release"] for row in renamed]
    if not found and not gone:
        return

    def write(tx: Transaction) -> None:
        tx.upsert("releases", found, on=["project", "release"])
        tx.run(sql["gone_releases"], {"project": project, "names": gone})

    lake.write(write)


def _release(row: Mapping[str, Any]) -> Release:
    tools = row["tools"]
    return Release(
        project=row["project"],
        release=row["release"],
        at=row["at"],
        model=row["model"],
        prompt_hash=row["prompt_hash"],
        tools_hash=None if tools is None else digest(tools),
    )


def _merged(known: Release | None, seen: Release) -> Release:
    if known is None:
        return seen
    # a call may leave a hash for a name that comes late, and its time goes with it
    if known.kind == "observed" and (seen.at <= known.at or not is_given(seen.release)):
        return msgspec.structs.replace(seen, notes=known.notes)
    return msgspec.structs.replace(
        known,
        at=min(known.at, seen.at),
        model=known.model or seen.model,
        prompt_hash=known.prompt_hash or seen.prompt_hash,
        tools_hash=known.tools_hash or seen.tools_hash,
    )
