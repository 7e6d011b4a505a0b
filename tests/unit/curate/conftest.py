"""Spans made by hand: an agent that talks, as the drain would store it."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headrace.curate.ancestry import Call
from headrace.curate.assembly import Assembled, assemble
from headrace.curate.group import Library
from headrace.curate.unit import request_text
from headrace.lake.message import Body, Message, digest, dump
from headrace.lake.record import Case, Episode, Resolution, Resolved, Span, Toolset
from headrace.lake.store import Lake
from tests.scrubbed import put

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)
NOW = T0 + timedelta(days=1)
WEATHER: Body = {"type": "function", "function": {"name": "weather", "parameters": {}}}


def system(text: str = "You help.") -> Body:
    return {"role": "system", "content": text}


def user(text: str) -> Body:
    return {"role": "user", "content": text}


def said(text: str | None, *calls: tuple[str, str, str]) -> Body:
    """An assistant turn; calls as (id, name, arguments)."""
    body: Body = {"role": "assistant", "content": text}
    if calls:
        body["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
            for i, n, a in calls
        ]
    return body


def result(call_id: str, text: str) -> Body:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


class World:
    """A place to make spans; it keeps the messages and tools that they name."""

    def __init__(self, project: str = "p") -> None:
        self.project = project
        self.messages: dict[str, Message] = {}
        self.toolsets: dict[str, Toolset] = {}
        self.spans: list[Span] = []
        self.posted: list[Episode] = []
        self.resolved: list[Resolved] = []
        self.cases: list[Case] = []

    def names(self, bodies: Sequence[Body]) -> tuple[str, ...]:
        made = [Message.of(body) for body in bodies]
        self.messages |= {message.hash: message for message in made}
        return tuple(message.hash for message in made)

    def tools(self, *tools: Body) -> str:
        body = dump(list(tools))
        self.toolsets[digest(body)] = Toolset(hash=digest(body), body=body)
        return digest(body)

    def span(self, span_id: str, kind: Any = "other", at: float = 0, **fields: Any) -> Span:
        attributes = dump(fields.pop("attributes", {}))
        fields = {"trace_id": "t1", "name": span_id, "status": "unset", **fields}
        span = Span(
            project=self.project,
            span_id=span_id,
            kind=kind,
            started_at=T0 + timedelta(seconds=at),
            ended_at=T0 + timedelta(seconds=at + 1),
            received_at=T0 + timedelta(seconds=at + 2),
            attributes=attributes,
            **fields,
        )
        self.spans.append(span)
        return span

    def call(
        self, span_id: str, heard: Sequence[Body], reply: Body | None, at: float, **fields: Any
    ) -> Span:
        tokens = {"input_tokens": 5, "output_tokens": 1} if reply else {}
        return self.span(
            span_id,
            "llm",
            at,
            input=self.names(heard),
            output=self.names([reply] if reply else []),
            **{"model": "m-1", "release": "r1"} | tokens | fields,
        )

    def tool(
        self,
        span_id: str,
        asked: tuple[str, str, str],
        answer: str | None,
        at: float,
        **fields: Any,
    ) -> Span:
        """A tool run as the drain stores it: the call (id, name, arguments) and its answer."""
        said_so = [] if answer is None else [result(asked[0], answer)]
        return self.span(
            span_id,
            "tool",
            at,
            input=self.names([said(None, asked)]),
            output=self.names(said_so),
            **fields,
        )

    def agent_run(self, trace_id: str = "t1", steps: int = 3, **fields: Any) -> list[Body]:
        """A run of `steps` calls with a tool result between each two; its messages."""
        history = [system(), user(f"What is the weather on day {trace_id}?")]
        for step in range(steps):
            last = step == steps - 1
            name = f"{trace_id}-call-{step}"
            reply = said("It is fine.") if last else said(None, (name, "weather", "{}"))
            fields = {"trace_id": trace_id, **fields}
            self.call(f"{trace_id}-s{step}", history, reply, 10 * step, **fields)
            history = [*history, reply] + ([] if last else [result(name, f"sun {step}")])
        return history

    @property
    def library(self) -> Library:
        return Library(
            messages={m.hash: msgspec.json.decode(m.body) for m in self.messages.values()},
            tools={t.hash: msgspec.json.decode(t.body) for t in self.toolsets.values()},
        )

    def assemble(self, spans: Sequence[Span] | None = None) -> Assembled:
        return assemble(self.spans if spans is None else spans, self.library, now=NOW)

    def episodes(self, spans: Sequence[Span] | None = None) -> tuple[Episode, ...]:
        return self.assemble(spans).episodes

    def said_in(self, episode: Episode) -> list[Body]:
        made = {m.hash: m for m in self.assemble().messages} | self.messages
        return [msgspec.json.decode(made[name].body) for name in episode.messages]

    def post(
        self, episode_id: str, messages: Sequence[Body], at: float = 0, **fields: Any
    ) -> Episode:
        """An episode as a product posts it."""
        metadata = dump(fields.pop("metadata", {}))
        trainable = tuple(body["role"] == "assistant" for body in messages)
        episode = Episode(
            project=self.project,
            episode_id=f"{self.project}/{episode_id}",
            revision=1,
            at=NOW,
            messages=self.names(messages),
            trainable=trainable,
            request=request_text(messages, trainable),
            started_at=T0 + timedelta(seconds=at),
            metadata=metadata,
            **fields,
        )
        self.posted.append(episode)
        return episode

    def resolve(self, episode: Episode, resolution: Resolution) -> None:
        self.resolved.append(
            Resolved(
                project=self.project,
                episode_id=episode.episode_id,
                resolution=resolution,
                at=NOW,
            )
        )

    def case(self, case_id: str, *messages: Body, **fields: Any) -> None:
        self.cases.append(
            Case(
                project=self.project,
                suite="production",
                case_id=case_id,
                input=dump({"messages": list(messages), "tools": None}),
                scorer="includes",
                content_hash=case_id,
                added_at=NOW,
                **fields,
            )
        )

    def drain(
        self, lake: Lake, spans: Sequence[Span] | None = None, *, scrubbed: bool = True
    ) -> None:
        """Put everything made so far into a lake, of the spans only those given.

        Episodes that were posted are scrubbed at once, unless told otherwise.
        """
        rows = self.spans if spans is None else spans

        def write(tx: Any) -> None:
            tx.add_new("messages", list(self.messages.values()), on=["hash"])
            tx.add_new("toolsets", list(self.toolsets.values()), on=["hash"])
            tx.upsert("spans", rows, on=["project", "trace_id", "span_id"])
            tx.add_new("episodes", self.posted, on=["project", "episode_id", "revision"])
            tx.upsert("resolutions", self.resolved, on=["project", "episode_id"])
            tx.upsert("cases", self.cases, on=["project", "case_id"])
            if scrubbed:
                put(tx, self._latest, self.messages.values())

        lake.write(write)

    @property
    def _latest(self) -> list[Episode]:
        """The last revision of each episode that was posted."""
        by_revision = sorted(self.posted, key=lambda episode: episode.revision)
        return list({episode.episode_id: episode for episode in by_revision}.values())


def inherits(span: Span, **fields: Any) -> Call:
    """A call as it stands in a chain, with what it inherits given by hand."""
    given: dict[str, Any] = {
        "conversation_id": None, "user_id": None, "release": None, "agent": None, "tool": None,
    }  # fmt: skip
    return Call(span=span, **given | fields)


def short(name: str | None) -> str | None:
    """The name that the test gave an episode."""
    return None if name is None else name.rpartition("/")[2]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A world of its own project, as the lake is one for a whole file."""
    return World(request.node.nodeid)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for the tests of a file, as it takes long to make; each has its own project."""
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened
