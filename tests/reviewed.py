"""Episodes made by hand as curation leaves them: scrubbed, voted on, resolved."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from headrace.curate.near.textunit import TextUnit
from headrace.curate.review.answer import Answer, answer
from headrace.curate.review.item import Waiting, waiting
from headrace.curate.review.queue import item_id, queue
from headrace.curate.step import StepResult
from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import (
    Cluster,
    Episode,
    EpisodeUnits,
    Outcome,
    Record,
    Resolved,
    Review,
    ReviewItem,
    ScrubbedEpisode,
    TextUnitRow,
    VoteRow,
)

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)
NOW = T0 + timedelta(days=10)


def talk(name: str) -> list[Body]:
    return [
        {"role": "user", "content": f"Where is order {name}?"},
        {"role": "assistant", "content": f"Order {name} leaves today."},
    ]


class Desk:
    """One project of a lake; rows are kept until `write`."""

    def __init__(self, lake: Lake, project: str) -> None:
        self.lake = lake
        self.project = project
        self._rows: list[tuple[str, Record | Message]] = []
        self._units = 0

    def add(
        self,
        name: str,
        messages: Sequence[Body] | None = None,
        *,
        p: float | None = None,
        resolution: Any = "unmarked",
        resolved_by: str | None = None,
        revision: int = 1,
        scrubbed: bool = True,
        near: str | None = None,
        skeleton: str | None = None,
        **fields: Any,
    ) -> str:
        """An episode; its id is its name."""
        bodies = [Message.of(body) for body in messages or talk(name)]
        hashes = tuple(body.hash for body in bodies)
        self._rows += [("messages", body) for body in bodies]
        given: dict[str, Any] = {"request": talk(name)[0]["content"], "started_at": T0} | fields
        self.keep(
            "episodes",
            Episode(
                project=self.project, episode_id=name, revision=revision, at=T0, messages=hashes,
                trainable=tuple(body.role == "assistant" for body in bodies), **given,
            ),
        )  # fmt: skip
        if scrubbed:
            self._rows += [("scrubbed_messages", body) for body in bodies]
            self._scrubbed(name, revision, hashes, given["request"])
        resolved = Resolved(
            project=self.project, episode_id=name, resolution=resolution, p_success=p, at=T0,
            success={"success": True, "failure": False}.get(resolution), resolved_by=resolved_by,
        )  # fmt: skip
        self.keep("resolutions", resolved)
        if near is not None:
            self.keep("clusters", self._cluster(name, near))
        if skeleton is not None:
            self._unit(name, revision, skeleton)
        return name

    def vote(
        self, episode: str, source: Any, value: int | None, *, hours: float = 0, **fields: Any
    ) -> None:
        given: dict[str, Any] = {"name": "mark", "origin": "outcome"} | fields
        at = T0 + timedelta(hours=hours)
        row = VoteRow(
            project=self.project, episode_id=episode, source=source, value=value, at=at, **given
        )
        self.keep("votes", row)

    def outcome(self, target_kind: Any, target_id: str, source: Any, **fields: Any) -> None:
        row = Outcome(
            project=self.project, outcome_id=f"o{len(self._rows)}", target_kind=target_kind,
            target_id=target_id, source=source, at=T0, received_at=T0, **fields,
        )  # fmt: skip
        self.keep("outcomes", row)

    def write(self) -> None:
        rows, self._rows = self._rows, []
        tables: dict[str, list[msgspec.Struct]] = {}
        for table, row in rows:
            tables.setdefault(table, []).append(row)

        def write(tx: Any) -> None:
            for table, held in tables.items():
                if table.endswith("messages"):
                    tx.add_new(table, held, on=["hash"])
                elif table == "resolutions":
                    tx.upsert(table, held, on=["project", "episode_id"])
                else:
                    tx.append(table, held)

        self.lake.write(write)

    def ask(self, episode: str, **fields: Any) -> str:
        """Put an episode into the queue by hand; the id of its item."""
        usual = {"stratum": "random", "why": "drawn at random (1 of 1)", "state": "open"}
        given: dict[str, Any] = usual | fields
        item = ReviewItem(
            project=self.project, item_id=item_id(self.project, episode), episode_id=episode,
            picked_at=NOW, state_at=NOW, **given,
        )  # fmt: skip
        self.keep("review_items", item)
        return item.item_id

    def queue(self, size: int = 50, *, days: float = 0, **fields: Any) -> StepResult:
        """Fill the queue, so many days after the first night."""
        given = {"seed": 0} | fields
        now = NOW + timedelta(days=days)
        return queue(self.lake, self.project, now=now, size=size, **given)

    def waiting(self, reviewer: str | None = None) -> list[Waiting]:
        return waiting(self.lake, self.project, reviewer)

    def say(
        self, item: str, action: Any, reviewer: str = "ada", *, hours: float = 1, **fields: Any
    ) -> Review:
        given = Answer(item_id=item, reviewer=reviewer, action=action, **fields)
        return answer(self.lake, self.project, given, now=NOW + timedelta(hours=hours))

    def items(self) -> dict[str, ReviewItem]:
        """All items by their episode."""
        rows = self.rows("review_items")
        return {row["episode_id"]: ReviewItem(**row) for row in rows}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of this project, in one order."""
        found = self.lake.rows(
            f"select * from {table} where project = $project", {"project": self.project}
        )
        return sorted(found, key=lambda row: json.dumps(row, default=str, sort_keys=True))

    def keep(self, table: str, row: Record) -> None:
        self._rows.append((table, row))

    def _scrubbed(self, name: str, revision: int, hashes: tuple[str, ...], request: str) -> None:
        row = ScrubbedEpisode(
            project=self.project, episode_id=name, revision=revision, version="test",
            messages=hashes, request=request, metadata="{}", found="{}", at=T0,
        )  # fmt: skip
        self.keep("scrubbed", row)

    def _cluster(self, name: str, near: str) -> Cluster:
        return Cluster(
            project=self.project, method="near", cluster_id=near, episode_id=name,
            representative=False,
        )  # fmt: skip

    def _unit(self, name: str, revision: int, skeleton: str) -> None:
        """A skeleton, and the request; each a unit of its own."""
        ids = {}
        for kind, text in (("skeleton", skeleton), ("request", name)):
            self._units += 1
            ids[kind] = self._units
            made = TextUnit(kind=kind, text=text)  # type: ignore[arg-type]
            unit = TextUnitRow(
                project=self.project, unit_id=self._units, kind=kind, text=text, episode_id=name,
                text_hash=made.text_hash, version=made.version, at=T0,
            )  # fmt: skip
            self.keep("text_units", unit)
        row = EpisodeUnits(
            project=self.project, episode_id=name, revision=revision,
            request=ids["request"], skeleton=ids["skeleton"],
        )  # fmt: skip
        self.keep("episode_units", row)
