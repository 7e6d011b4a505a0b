"""Releases seen in episodes: when each was first seen, and on what it ran."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headrace.ingest.release import is_given
from headrace.lake.message import digest
from headrace.lake.record import Release
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

_NOTHING: Mapping[str, Any] = {"prompt_hash": None, "tools": None}


def observed(lake: Lake, project: str) -> list[Release]:
    """The rows of `releases` to write: new ones, and those an earlier span or mark corrects.

    A release that was given with scores keeps its kind and notes; the earlier time stands.
    """
    return _changes(_standing(lake, project), _seen(lake, project))


def record(lake: Lake, project: str) -> None:
    """Bring `releases` up to the episodes; nothing is written where nothing changed."""
    known = _standing(lake, project)
    found = _changes(known, _seen(lake, project))
    hashed = any(not is_given(name) for name in known)
    renamed = lake.rows(_sql("renamed_releases"), {"project": project}) if hashed else []
    gone = [row["release"] for row in renamed]
    if not found and not gone:
        return

    def write(tx: Transaction) -> None:
        tx.upsert("releases", found, on=["project", "release"])
        tx.run(_sql("gone_releases"), {"project": project, "names": gone})

    lake.write(write)


def _standing(lake: Lake, project: str) -> dict[str, Release]:
    rows = lake.rows(_sql("standing_releases"), {"project": project})
    return {row["release"]: Release(**row) for row in rows}


def _seen(lake: Lake, project: str) -> list[Release]:
    """Each release of the episodes that stand, as its first ones tell of it."""
    rows = lake.rows(_sql("seen_releases"), {"project": project})
    told = _told(lake, {row[name] for row in rows for name in ("opened", "tooled")} - {None})
    prompts = {row["release"]: told[row["opened"]]["prompt_hash"] for row in rows}
    if bare := [name for name, prompt in prompts.items() if prompt is None]:
        later = lake.rows(_sql("first_prompts"), {"project": project, "releases": bare})
        prompts |= {row["release"]: row["prompt_hash"] for row in later}
    return [_release(project, row, prompts, told[row["tooled"]]["tools"]) for row in rows]


def _told(lake: Lake, places: Iterable[int]) -> Mapping[int | None, Mapping[str, Any]]:
    """What rows of episodes tell; nothing where one went after it was seen."""
    told: dict[int | None, Mapping[str, Any]] = defaultdict(lambda: _NOTHING)
    if given := sorted(places):
        told.update(
            (row["place"], row) for row in lake.rows(_sql("told_by_rows"), {"places": given})
        )
    return told


def _release(
    project: str, row: Mapping[str, Any], prompts: Mapping[str, str | None], tools: str | None
) -> Release:
    return Release(
        project=project,
        release=row["release"],
        at=row["at"],
        model=row["model"],
        prompt_hash=prompts[row["release"]],
        tools_hash=None if tools is None else digest(tools),
    )


def _changes(known: Mapping[str, Release], seen: Iterable[Release]) -> list[Release]:
    merged = [(_merged(known.get(row.release), row), known.get(row.release)) for row in seen]
    return [new for new, old in merged if new != old]


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


def _sql(name: str) -> str:
    return statements("headrace.curate", "release.sql")[name]
