"""A product by hand: episodes that the night has already assembled, resolved and split."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from inspect_ai.model import ModelOutput, ModelUsage

from headrace.lake.message import Body, Message, dump
from headrace.lake.record import (
    Cluster,
    Episode,
    Outcome,
    Resolution,
    Resolved,
    Split,
    SplitGroup,
)
from headrace.lake.store import Lake, Transaction
from tests.scrubbed import put
from tests.served import serving

os.environ["INSPECT_DISPLAY"] = "none"
os.environ["INSPECT_LOG_LEVEL"] = "error"

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def said(text: str | None, *calls: tuple[str, str]) -> Body:
    body: Body = {"role": "assistant", "content": text}
    if calls:
        body["tool_calls"] = [
            {"id": f"c{i}", "type": "function", "function": {"name": n, "arguments": a}}
            for i, (n, a) in enumerate(calls)
        ]
    return body


class Product:
    """Writes what curation would have left in the lake; a project of its own for every test."""

    def __init__(self, lake: Lake, project: str) -> None:
        self.lake = lake
        self.now = NOW
        self.project = project
        self.hours = 0

    def episode(
        self,
        name: str,
        *,
        request: str = "r1",
        split: Split = "eval",
        resolution: Resolution = "success",
        messages: list[Body] | None = None,
        trainable: list[bool] | None = None,
        release: str = "v1",
        parent: str | None = None,
        metadata: dict[str, Any] | None = None,
        tools: list[Body] | None = None,
        scrubbed: bool = True,
    ) -> None:
        """One episode, an hour after the last one."""
        self.hours += 1
        bodies = messages or [{"role": "user", "content": f"ask {request}"}, said("Paris")]
        rows = [Message.of(body) for body in bodies]
        flags = trainable or [body["role"] == "assistant" for body in bodies]
        started = T0 + timedelta(hours=self.hours)
        episode = Episode(
            project=self.project,
            episode_id=name,
            revision=1,
            at=self.now,
            messages=tuple(row.hash for row in rows),
            trainable=tuple(flags),
            trace_ids=(f"trace-{name}",),
            span_ids=(f"span-{name}",),
            parent_episode_id=parent,
            conversation_id=f"conversation-{name}",
            release=release,
            started_at=started,
            ended_at=started + timedelta(minutes=1),
            tools=None if tools is None else dump(tools),
            input_tokens=100,
            output_tokens=10,
            cost_usd=Decimal("0.0025"),
            latency_ms=900.0,
            metadata=json.dumps(metadata or {}),
        )
        clusters = [
            Cluster(
                project=self.project,
                method=method,
                cluster_id=cluster,
                episode_id=name,
                representative=True,
            )
            for method, cluster in (("request", request), ("group", f"group-{request}"))
        ]
        held = SplitGroup(
            project=self.project, group_id=f"group-{request}", split=split, at=self.now
        )

        def work(tx: Transaction) -> None:
            tx.add_new("messages", rows, on=["hash"])
            tx.append("episodes", [episode])
            if scrubbed:
                put(tx, [episode], rows)
            tx.append("clusters", clusters)
            tx.add_new("splits", [held], on=["project", "group_id"])
            tx.append("resolutions", [self.resolved(name, resolution)])

        self.lake.write(work)

    def resolved(self, name: str, resolution: Resolution) -> Resolved:
        return Resolved(project=self.project, episode_id=name, resolution=resolution, at=self.now)

    def resolve(self, name: str, resolution: Resolution) -> None:
        row = self.resolved(name, resolution)
        self.lake.write(lambda tx: tx.upsert("resolutions", [row], on=["project", "episode_id"]))

    def correct(self, kind: Any, target: str, correction: object, source: Any = "human") -> None:
        row = Outcome(
            project=self.project,
            outcome_id=f"{kind}-{target}",
            target_kind=kind,
            target_id=target,
            source=source,
            received_at=self.now,
            at=self.now,
            correction=json.dumps(correction),
        )
        self.lake.write(lambda tx: tx.append("outcomes", [row]))

    def merge(self, old: str, into: str) -> None:
        """Two requests turn out to be one."""
        rows = [row for row in self.table("clusters") if row["method"] == "request"]
        moved = [Cluster(**{**r, "cluster_id": into}) for r in rows if r["cluster_id"] == old]
        self.lake.write(
            lambda tx: tx.upsert("clusters", moved, on=["project", "method", "episode_id"])
        )

    def delete(self, table: str) -> None:
        mine = {"project": self.project}
        self.lake.write(lambda tx: tx.run(f"delete from {table} where project = $project", mine))

    def table(self, name: str) -> list[dict[str, Any]]:
        mine = {"project": self.project}
        return self.lake.rows(f"select * from {name} where project = $project order by all", mine)

    def scores(self) -> list[dict[str, Any]]:
        return self.lake.rows(
            "select s.*, r.release from scores s join runs r using (run_id) "
            "where project = $project order by release, case_id, scorer, epoch",
            {"project": self.project},
        )


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("evals") / "home") as lake:
        yield lake


@pytest.fixture
def product(lake: Lake, request: pytest.FixtureRequest) -> Product:
    return Product(lake, request.node.name)


@pytest.fixture
def reply() -> Any:
    """A model output with its usage set: the mock would download a tokenizer to count."""

    def output(text: str | None = None, call: tuple[str, dict[str, Any]] | None = None) -> Any:
        if call is not None:
            made = ModelOutput.for_tool_call("mockllm/model", call[0], call[1])
        else:
            made = ModelOutput.from_content("mockllm/model", text or "")
        made.usage = ModelUsage(
            input_tokens=5, output_tokens=3, total_tokens=10, input_tokens_cache_read=2
        )
        return made

    return output


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of ours; set `answer`, read `asked` and `url`."""
    with serving() as made:
        yield made
