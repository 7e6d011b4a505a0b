"""What the lake knows of an episode, a trace and the wheel, as JSON documents."""

import json
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.ingest.errors import BadHeader, LakeAway
from headrace.ingest.facts import Facts
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import Settings
from headrace.lake.statement import statements

if TYPE_CHECKING:
    from headrace.lake.store import Lake, Parameters

PROJECTS = 64  # of which the counts are remembered

Document = dict[str, Any]

_JSON = ("tools", "metadata", "correction")
_TARGETS = ("conversation_id", "trace_ids", "span_ids", "parent_episode_id")


class Lookup:
    """Reads the lake, which is opened by the first question and again after a failure."""

    def __init__(self, settings: Settings, lake: "Lake | None" = None) -> None:
        self._settings = settings
        self._given = lake
        self._lake = lake
        self._opening = threading.Lock()
        self._facts: dict[str | None, Facts] = {}  # by project

    def episode(self, episode_id: str, project: str | None) -> Document | None:
        """An episode with messages, resolution, outcomes and decisions; None: not in the lake.

        Raises BadHeader where several projects have one, LakeAway.
        """
        found = self._episodes(episode_id=episode_id, trace_id=None, project=project)
        if len(found) > 1:
            names = ", ".join(row["project"] for row in found)
            raise BadHeader(
                f"x-headrace-project: episode {episode_id!r} is in the projects {names}: name one"
            )
        return self._full(found[0]) if found else None

    def trace(self, trace_id: str, project: str | None) -> Document | None:
        """A trace: its spans, its outcomes and its episodes (none: not assembled yet).

        None where the lake knows nothing of it. Raises LakeAway.
        """
        where = {"trace_id": trace_id.lower(), "project": project}
        spans = self._rows("spans_of_trace", where)
        episodes = self._episodes(episode_id=None, **where)
        outcomes = self._rows("outcomes_of_trace", where)
        if not (spans or episodes or outcomes):
            return None
        return {
            "trace_id": trace_id.lower(),
            "assembled": bool(episodes),
            "spans": spans,
            "episodes": [self._full(row) for row in episodes],
            "outcomes": [_read(row) for row in outcomes],
        }

    def facts(self, project: str | None = None) -> Document:
        """Counts and the newest verdict of a project, None: of all, and the newest night.

        None stands for what is unknown or out of reach.
        """
        if len(self._facts) > PROJECTS:
            self._facts.clear()
        try:
            return self._facts.setdefault(project, Facts(self._rows, project)).read()
        except LakeAway:
            self._facts.clear()  # what comes back may be another lake
            return dict.fromkeys(("lake", "dead_letters", "nightly", "verdict"))

    def close(self) -> None:
        """Close the lake, unless it was given."""
        if self._lake is not None and self._lake is not self._given:
            self._lake.close()
        self._lake = None

    def _episodes(self, **where: object) -> list[Document]:
        return self._rows("episodes", where)

    def _full(self, row: Document) -> Document:
        where = {name: row[name] for name in ("project", "episode_id")}
        metadata = json.loads(row["metadata"] or "{}")
        targets = {name: row[name] for name in _TARGETS} | {"external_ids": _externals(metadata)}
        outcomes = self._rows("outcomes_of_episode", where | targets)
        revision = where | {"revision": row["revision"]}
        [retired] = self._rows("retired_at", revision)
        raw = None if retired["at"] else self._messages(row["messages"])
        return _read(row) | {
            "messages": self._scrubbed(revision) if raw is None else raw,
            "raw_retired_at": retired["at"],
            "outcomes": [_read(outcome) for outcome in outcomes],
            "decisions": self._rows("decisions_of_episode", where),
        }

    def _messages(self, hashes: Iterable[str]) -> list[msgspec.Raw] | None:
        """What was said; None where some of it is gone."""
        rows = self._rows("message_bodies", {"hashes": sorted(set(hashes))})
        bodies = {row["hash"]: msgspec.Raw(row["body"].encode()) for row in rows}
        return [bodies[name] for name in hashes] if bodies.keys() >= set(hashes) else None

    def _scrubbed(self, revision: "Parameters") -> list[msgspec.Raw]:
        """What was said, without personal data; empty where it could not be scrubbed."""
        rows = self._rows("scrubbed_messages", revision)
        return [msgspec.Raw(row["body"].encode()) for row in rows]

    def _rows(self, name: str, where: "Parameters | None" = None) -> list[Document]:
        import duckdb  # with Arrow half the memory of a sidecar: not before somebody asks

        sql = statements("headrace.ingest", "sidecar.sql")[name]
        try:
            return self._opened().rows(sql, where)
        except (duckdb.Error, HeadraceError, OSError) as error:
            self._lake = self._given  # what was opened here is opened afresh next time
            raise LakeAway(
                f"the lake cannot be read now ({type(error).__name__}): posts are still stored; "
                "see the log of the sidecar"
            ) from error

    def _opened(self) -> "Lake":
        from headrace.lake.store import Lake

        with self._opening:
            if self._lake is None:
                # the drain makes the lake: it knows whether there was one before
                self._lake = Lake.open(settings=self._settings, create=False)
            return self._lake


def _externals(metadata: Mapping[str, Any]) -> list[str]:
    """The product's keys of an episode; a product may have put anything in their place."""
    listed = metadata.get("external_ids")
    given = [metadata.get("external_id"), *(listed if isinstance(listed, list) else ())]
    return [str(key) for key in given if key is not None]


def _read(row: Mapping[str, Any]) -> Document:
    """The row with its JSON columns as JSON instead of text."""
    given = {name: row[name] for name in _JSON if row.get(name) is not None}
    return dict(row) | {name: msgspec.Raw(text.encode()) for name, text in given.items()}
