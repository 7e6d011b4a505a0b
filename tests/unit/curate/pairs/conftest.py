"""Episodes made by hand, as sides of pairs and as what stands in a lake after the steps before."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headrace.curate.pairs.dialogue import Dialogue
from headrace.curate.pairs.side import Side
from headrace.lake import Lake
from headrace.lake.message import Body, Message, digest
from headrace.lake.record import (
    Cluster,
    Decision,
    Episode,
    EpisodeUnits,
    Outcome,
    PairEvent,
    PairRow,
    Resolved,
    ScrubbedEpisode,
    SplitGroup,
)
from headrace.lake.store import Transaction

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def say(role: str, content: str | None, **more: Any) -> Body:
    return {"role": role, "content": content, **more}


def ask(arguments: str = '{"order_id": "A1"}', *, name: str = "refund", id: str = "c1") -> Body:
    function = {"name": name, "arguments": arguments}
    call = {"id": id, "type": "function", "function": function}
    return say("assistant", None, tool_calls=[call])


def talk(answer: str = "Done", result: str = "ok") -> list[Body]:
    return [
        say("system", "Be kind."),
        say("user", "My money back"),
        ask(),
        say("tool", result, tool_call_id="c1"),
        say("assistant", answer),
    ]


def dialogue(messages: Sequence[Body], trainable: Sequence[bool] | None = None) -> Dialogue:
    return Dialogue.of(messages, trainable or [m["role"] == "assistant" for m in messages])


def side(name: str, good: bool = True, **fields: Any) -> Side:
    given: dict[str, Any] = {
        "revision": 1,
        "request": 1,
        "wording": "w",
        "words": "w",
        "context": 7,
        "split": "train",
        "p": 0.95 if good else 0.05,
    }
    return Side(episode_id=name, good=good, **{**given, **fields})


class Shelf:
    """Puts episodes into a lake, with all that the steps before pairs would have written."""

    def __init__(self, lake: Lake, project: str) -> None:
        self.lake, self.project = lake, project
        self._waiting: list[Callable[[Transaction], object]] | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for everything inside: commits are what takes time."""
        works = self._waiting = []
        yield
        self._waiting = None
        self.lake.write(lambda tx: [work(tx) for work in works])

    def _write(self, work: Callable[[Transaction], object]) -> None:
        if self._waiting is None:
            self.lake.write(work)
        else:
            self._waiting.append(work)

    def episode(
        self,
        name: str,
        messages: Sequence[Body],
        resolution: Any = "success",
        *,
        p: float | None = None,
        request: int | None = 1,
        context: int | None = 7,
        wording: str = "w",
        split: Any = "train",
        contaminated: str | None = None,
        scrubbed: bool = True,
        revision: int = 1,
        minutes: int = 0,
        **fields: Any,
    ) -> None:
        said = [Message.of(body) for body in messages]
        hashes = tuple(message.hash for message in said)
        where: dict[str, Any] = {"project": self.project, "episode_id": name}
        at = NOW + timedelta(minutes=minutes)
        given: dict[str, Any] = {"started_at": at, "model": "m-1", "release": "r1", **fields}
        episode = Episode(
            **where,
            revision=revision,
            at=NOW,
            messages=hashes,
            trainable=tuple(message.role == "assistant" for message in said),
            **given,
        )
        group = f"g-{name}"
        units = EpisodeUnits(
            **where,
            revision=revision,
            request=request,
            context=context,
            wording=wording,
            words=wording,
        )

        def work(tx: Transaction) -> None:
            tx.add_new("messages", said, on=["hash"])
            tx.append("episodes", [episode])
            tx.append("episode_units", [units])
            if scrubbed:
                tx.add_new("scrubbed_messages", said, on=["hash"])
                tx.append("scrubbed", [_scrubbed(where, revision, hashes)])
            cluster = Cluster(**where, method="group", cluster_id=group, representative=True)
            tx.append("clusters", [cluster])
            home = SplitGroup(project=self.project, group_id=group, split=split, at=NOW)
            tx.append("splits", [home])
            tx.append("resolutions", [self._resolved(where, resolution, p)])
            tx.append("decisions", [self._decided(where, "decontaminate", contaminated, revision)])

        self._write(work)

    def resolve(self, name: str, resolution: Any, p: float | None = None) -> None:
        where: dict[str, Any] = {"project": self.project, "episode_id": name}
        row = self._resolved(where, resolution, p)
        self._write(lambda tx: tx.upsert("resolutions", [row], on=list(where)))

    def decide(self, name: str, step: str, against: str | None) -> None:
        where: dict[str, Any] = {"project": self.project, "episode_id": name}
        row = self._decided(where, step, against, 1)
        self._write(lambda tx: tx.upsert("decisions", [row], on=[*where, "step"]))

    def correct(self, name: str, said: Body, **fields: Any) -> None:
        given: dict[str, Any] = {"source": "human", "success": None, **fields}
        outcome = Outcome(
            project=self.project,
            outcome_id=digest(f"{name} {said}"),
            target_kind="episode",
            target_id=name,
            correction=Message.of(said).body,
            at=NOW,
            received_at=NOW,
            **given,
        )
        self.lake.write(lambda tx: tx.append("outcomes", [outcome]))

    def run(self, sql: str) -> None:
        self.lake.write(lambda tx: tx.run(sql, {"project": self.project}))

    @property
    def pairs(self) -> list[PairRow]:
        return msgspec.convert(self._rows("pairs", "pair_id"), list[PairRow])

    @property
    def events(self) -> list[tuple[str, str | None]]:
        rows = self._rows("pair_events", '"at", event, pair_id')
        return [(row.event, row.reason) for row in msgspec.convert(rows, list[PairEvent])]

    @property
    def reasons(self) -> dict[str, str]:
        """Why each episode is in no pair, or of which kind it is in one."""
        rows = self._rows("decisions", "episode_id", "and step = 'pair'")
        return {row["episode_id"]: row["reason"] for row in rows}

    def _rows(self, table: str, by: str, more: str = "") -> list[dict[str, Any]]:
        sql = f"select * from {table} where project = $project {more} order by {by}"
        return self.lake.rows(sql, {"project": self.project})

    @staticmethod
    def _resolved(where: dict[str, Any], resolution: Any, p: float | None) -> Resolved:
        return Resolved(**where, resolution=resolution, at=NOW, p_success=p)

    @staticmethod
    def _decided(where: dict[str, Any], step: str, against: str | None, revision: int) -> Decision:
        return Decision(
            **where,
            step=step,
            version="1",
            kept=against is None,
            reason=against or "clean",
            revision=revision,
            at=NOW,
        )


def _scrubbed(where: dict[str, Any], revision: int, hashes: tuple[str, ...]) -> ScrubbedEpisode:
    return ScrubbedEpisode(
        **where,
        revision=revision,
        version="1",
        messages=hashes,
        request="",
        metadata="{}",
        found="{}",
        at=NOW,
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for the tests of a file, as it takes long to make; each has its own project."""
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture
def shelf(lake: Lake, request: pytest.FixtureRequest) -> Shelf:
    return Shelf(lake, request.node.nodeid)


@pytest.fixture
def make_shelf(lake: Lake) -> Callable[[str], Shelf]:
    return lambda project: Shelf(lake, project)
