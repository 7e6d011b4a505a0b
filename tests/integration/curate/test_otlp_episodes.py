"""Recorded OTLP payloads of unmodified SDKs give the episodes that really took place."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from headrace.curate.assembly import Assembled, Library, assemble
from headrace.curate.component import components
from headrace.ingest.batch import Batch, Body
from headrace.ingest.reader import read
from headrace.lake.record import Span

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"
NOW = datetime(2026, 11, 23, tzinfo=UTC)

Fixture = tuple[Path, dict[str, Any]]


def _episodes(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(entry["expected"]["episodes"])


def _joined(episode: Mapping[str, Any]) -> bool:
    return len(episode["trace_ids"]) == 1 or episode["conversation_id"] is not None


def entries() -> Iterator[Fixture]:
    """Those whose calls are joined by a trace or a conversation id, with all content."""
    for manifest in sorted(FIXTURES.glob("*/manifest.json")):
        for entry in json.loads(manifest.read_text()).get("fixtures", []):
            if entry["expected"]["quality"] == "full" and all(map(_joined, _episodes(entry))):
                yield manifest.parent, entry


@pytest.mark.parametrize("fixture", list(entries()), ids=lambda fixture: str(fixture[1]["id"]))
def test_the_episodes_are_what_took_place(fixture: Fixture) -> None:
    batch = delivered(*fixture)
    expected = sorted(_truth(episode) for episode in _episodes(fixture[1]))
    assert sorted(found(batch, list(batch.spans))) == expected
    shuffled = [*batch.spans, *batch.spans[::2]]
    Random(5).shuffle(shuffled)
    assert sorted(found(batch, shuffled)) == expected


def test_there_are_fixtures() -> None:
    assert len(list(entries())) > 15


def delivered(folder: Path, entry: Mapping[str, Any]) -> Batch:
    bodies = [
        Body(
            seq=number,
            signal=file["signal"],
            content_type=file["content_type"].partition(";")[0],
            payload=(folder / file["file"]).read_bytes(),
            received_at=NOW,
        )
        for number, file in enumerate(entry["files"])
        if file["signal"] in ("traces", "logs")
    ]
    return Batch.union(read(body) for body in bodies)


def found(batch: Batch, spans: Sequence[Span]) -> list[str]:
    """The episodes of spans in the form in which they are compared."""
    library = Library(
        messages={m.hash: msgspec.json.decode(m.body) for m in batch.messages},
        tools={t.hash: msgspec.json.decode(t.body) for t in batch.toolsets},
    )
    keys: dict[str, list[str]] = {}
    for span in spans:
        keys.setdefault(span.trace_id, []).extend(filter(None, [span.conversation_id]))
    groups = [
        assemble([span for span in spans if span.trace_id in group], library, now=NOW)
        for group in components(keys)
    ]
    return [text for group in groups for text in _found(group, library)]


def _found(group: Assembled, library: Library) -> Iterator[str]:
    made = {message.hash: msgspec.json.decode(message.body) for message in group.messages}
    for episode in group.episodes:
        messages = [made.get(name) or library.messages[name] for name in episode.messages]
        yield _form(messages, episode.trainable)


def _truth(episode: Mapping[str, Any]) -> str:
    return _form(episode["messages"], episode["trainable"])


def _form(messages: Sequence[Mapping[str, Any]], trainable: Sequence[bool]) -> str:
    """Messages and mask; results at the end, which no model saw, are left out."""
    end = len(messages)
    while end and messages[end - 1]["role"] == "tool":
        end -= 1
    rows = [_row(message) for message in messages[:end]]
    return json.dumps([rows, list(trainable)[:end]], sort_keys=True)


def _row(message: Mapping[str, Any]) -> list[object]:
    content = message.get("content") or ""
    text = content.replace("\r\n", "\n").strip() if isinstance(content, str) else content
    calls = [
        [call["id"], call["function"]["name"], _parsed(call["function"]["arguments"])]
        for call in message.get("tool_calls") or ()
    ]
    told = _parsed(text) if message["role"] == "tool" else text
    return [message["role"], told, message.get("tool_call_id"), sorted(calls, key=str)]


def _parsed(text: object) -> object:
    try:
        return json.loads(str(text))
    except ValueError:
        return text
