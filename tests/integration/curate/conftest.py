"""Real conversations of an airline's agent as the spans that its SDK would have sent."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.lake.message import Body, Message, dump
from headrace.lake.record import Outcome, Span

DATA = Path(__file__).parents[3].parent / "shared" / "data"
FILE = DATA / "taubench" / "gpt4o_airline_tasks_0_34.jsonl.gz"
T0 = datetime(2026, 11, 1, tzinfo=UTC)
PROJECT = "airline"


class Run:
    """One recorded run: every assistant turn was one LLM call with all of the history as input."""

    def __init__(self, number: int, row: dict[str, Any]) -> None:
        self.trace_id = f"{number:032x}"
        self.task: str = row["_meta"]["task"]
        self.success = row["reward"] == 1.0
        self.messages = [_canonical(message) for message in row["traj"]]
        self.began = T0 + timedelta(minutes=10 * number)

    @property
    def stored(self) -> list[Message]:
        asked = [self._call(body) for body in self.messages if body["role"] == "tool"]
        return [Message.of(body) for body in (*self.messages, *asked)]

    def spans(self) -> Iterator[Span]:
        hashes = [message.hash for message in self.stored]
        yield self._span(0, "agent", attributes=dump({"headrace.task": self.task}))
        for i, body in enumerate(self.messages):
            if body["role"] == "assistant":
                heard, reply = tuple(hashes[:i]), (hashes[i],)
                yield self._span(i, "llm", input=heard, output=reply, model="gpt-4o")
            if body["role"] == "tool":
                yield self._span(i, "tool", input=(self._asked(body),), output=(hashes[i],))

    def outcome(self) -> Outcome:
        return Outcome(
            project=PROJECT, outcome_id=self.trace_id, target_kind="trace", source="product",
            target_id=self.trace_id, success=self.success, at=T0, received_at=T0,
        )  # fmt: skip

    def _asked(self, answer: Body) -> str:
        return Message.of(self._call(answer)).hash

    def _call(self, answer: Body) -> Body:
        """The call that a tool message answers, alone in a turn as a tool span holds it."""
        name = answer["tool_call_id"]
        calls = [call for body in self.messages for call in body.get("tool_calls", ())]
        asked = [call for call in calls if call["id"] == name]
        return {"role": "assistant", "content": None, "tool_calls": asked[:1]}

    def _span(self, number: int, kind: Any, **fields: Any) -> Span:
        at = self.began + timedelta(seconds=number)
        return Span(
            project=PROJECT, trace_id=self.trace_id, span_id=f"{number:016x}", kind=kind,
            name=kind, parent_span_id=f"{0:016x}" if number else None, started_at=at,
            ended_at=at + timedelta(milliseconds=700), received_at=at, release="v1", **fields,
        )  # fmt: skip


def _canonical(message: dict[str, Any]) -> Body:
    kept = ("role", "content", "tool_calls", "tool_call_id")
    return {key: message[key] for key in kept if message.get(key) is not None or key == "content"}


@pytest.fixture(scope="session")
def runs() -> list[Run]:
    if not FILE.exists():
        pytest.skip(f"no {FILE.name} beside the checkout")
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [Run(number, json.loads(line)) for number, line in enumerate(lines)]
