"""Synthetic agents for benchmarks: conversations with tools and growing histories.

A conversation is a few turns of a user, each a trace of its own: an agent span, LLM calls that
repeat the whole history, tool runs between them. One in seven conversations has no id and is one
trace; some calls fail and are tried again, some answers are recorded without their tool calls, some
are asked for twice.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from headrace.lake.message import Body, Message, digest, dump
from headrace.lake.record import Span, Toolset

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = "shop"
SERVICES, AGENTS, RELEASES, TOOLS = 5, 20, 3, 6
CALLS = 10  # LLM calls of a conversation on average, 3 to 17 of one
_SPREAD = 7
_EVERY = timedelta(seconds=8)  # between the starts of two conversations; each takes minutes
WORDS = (
    "order refund customer policy flight ticket change cancel because please seat date price "
    "agent tool answer check found total three day week address invoice payment status the a of "
    "to in for and is was will not if when with from your our this that it"
).split()


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """One release of an agent: what each of its calls is given."""

    name: str
    service: str
    release: str
    system: Message
    tools: Toolset


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A span with the messages that were not said before it."""

    span: Span
    fresh: tuple[Message, ...]


class World:
    """All agents, and a well of prose that texts are cut from."""

    def __init__(self, rng: Random) -> None:
        self._prose = " ".join(rng.choices(WORDS, k=100_000))
        self.agents = [
            self._agent(number, release, rng)
            for number in range(AGENTS)
            for release in range(RELEASES)
        ]

    def text(self, chars: int, rng: Random) -> str:
        at = rng.randrange(len(self._prose) - chars)
        return self._prose[at : at + chars]

    def pair(self, number: int, rng: Random) -> Iterator[list[Said]]:
        """Two conversations that have 20 LLM calls together, spans in the order of their start."""
        more = rng.randint(-_SPREAD, _SPREAD)
        for index, calls in ((2 * number, CALLS + more), (2 * number + 1, CALLS - more)):
            yield Conversation(self, index, rng).of(calls)

    def _agent(self, number: int, release: int, rng: Random) -> Agent:
        tools = [_tool(f"tool_{number}_{i}", self.text(150, rng)) for i in range(TOOLS)]
        body = dump(tools)
        system = f"You are agent {number}, release {release}. {self.text(1_500, rng)}"
        return Agent(
            name=f"agent-{number}",
            service=f"service-{number % SERVICES}",
            release=f"v{release}",
            system=Message.of({"role": "system", "content": system}),
            tools=Toolset(hash=digest(body), body=body),
        )


class Conversation:
    """One conversation in the making."""

    def __init__(self, world: World, number: int, rng: Random) -> None:
        self._world, self._rng = world, rng
        self._agent = rng.choice(world.agents)
        self._key = rng.randbytes(12).hex()
        self._id = self._key if number % 7 else None
        self._at = T0 + _EVERY * number
        self._history = [self._agent.system]
        self._fresh: list[Message] = [self._agent.system]
        self._said: list[Said] = []
        self._spans = 0

    def of(self, calls: int) -> list[Said]:
        trace = 0
        while calls:
            steps = min(calls, self._rng.randint(1, 5))
            calls -= self._turn(trace if self._id else 0, steps)
            trace += 1
        return self._said

    def _turn(self, trace: int, steps: int) -> int:
        """A turn of the user and what the agent does; how many LLM calls that took."""
        self._at += timedelta(seconds=self._rng.randint(10, 600))
        root = self._span(trace, "agent", None, 0.2, name="run", agent=self._agent.name)
        self._hear({"role": "user", "content": self._world.text(160, self._rng)})
        made = 0
        while made < steps:
            luck = self._rng.random()
            if luck < 0.02 and made + 1 < steps:  # fails, and is tried again
                self._call(trace, root, None, None)
                made += 1
            made += 1
            self._answer(trace, root, last=made == steps, luck=luck)
        return made

    def _answer(self, trace: int, root: str, *, last: bool, luck: float) -> None:
        if last:
            text: Body = {"role": "assistant", "content": self._world.text(400, self._rng)}
            self._call(trace, root, text, text)
            return
        name = f"call_{self._rng.randbytes(8).hex()}"
        tool = f"tool_{self._agent.name[6:]}_{self._rng.randrange(TOOLS)}"
        asked = {"q": self._world.text(30, self._rng), "limit": self._rng.randrange(50)}
        function = {"name": tool, "arguments": json.dumps(asked)}
        calls = [{"id": name, "type": "function", "function": function}]
        bare = self._world.text(60, self._rng)
        echo: Body = {"role": "assistant", "content": bare, "tool_calls": calls}
        lossy = 0.02 < luck < 0.04  # recorded without its tool calls
        self._call(trace, root, {"role": "assistant", "content": bare} if lossy else echo, echo)
        result = {"role": "tool", "tool_call_id": name, "content": self._world.text(500, self._rng)}
        self._hear(result)
        self._span(
            trace, "tool", root, 0.5, name=tool,
            input=(Message.of(echo).hash,), output=(Message.of(result).hash,),
        )  # fmt: skip

    def _call(self, trace: int, root: str, recorded: Body | None, echo: Body | None) -> None:
        """An LLM call with the history so far; `recorded` None: it failed."""
        reply = None if recorded is None else Message.of(recorded)
        if reply:
            self._fresh.append(reply)
        self._span(
            trace, "llm", root, 1.5, name="chat",
            input=tuple(m.hash for m in self._history), output=(reply.hash,) if reply else (),
            model="gpt-5", tools_hash=self._agent.tools.hash, finish_reason="stop",
            input_tokens=100 * len(self._history), output_tokens=80,
            attributes=dump({"gen_ai.request.temperature": 0.2, "server.address": "api.example"}),
            error=None if reply else "429",
        )  # fmt: skip
        if echo:
            self._hear(echo)

    def _hear(self, body: Body) -> None:
        message = Message.of(body)
        self._history.append(message)
        self._fresh.append(message)

    def _span(
        self, trace: int, kind: str, parent: str | None, seconds: float, **fields: object
    ) -> str:
        begun, self._at = self._at, self._at + timedelta(seconds=seconds)
        self._spans += 1
        row = {
            "project": PROJECT, "trace_id": f"{self._key}{trace:08x}", "kind": kind,
            "span_id": f"{self._spans:016x}", "parent_span_id": parent,
            "started_at": begun, "ended_at": self._at, "received_at": self._at,
            "status": "unset", "release": self._agent.release, "service": self._agent.service,
            "conversation_id": self._id, "convention": "otel_genai", **fields,
        }  # fmt: skip
        self._said.append(Said(span=Span(**row), fresh=tuple(self._fresh)))  # type: ignore[arg-type]
        self._fresh = []
        return f"{self._spans:016x}"


def _tool(name: str, description: str) -> Body:
    parameters = {"type": "object", "properties": {"q": {"type": "string"}}}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}
