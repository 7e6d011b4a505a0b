"""Recorded OTLP payloads of unmodified SDKs give the episodes that really took place."""

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from headrace.curate import log_content
from headrace.curate.assemble import assemble as assemble_lake
from headrace.curate.assembly import assemble
from headrace.curate.group import Library
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.otlp import decode
from headrace.ingest.reader import STRIPPED, read
from headrace.ingest.telemetry import Export
from headrace.lake import Lake
from headrace.lake.message import Body as Message
from headrace.lake.record import Episode, Span
from tests.recorded import NOW, Entry, differences, entries, form, skeleton, truth

Found = Mapping[str, Any]

LOSSES = {"repaired_history", "truncated_value", "dropped_attributes"}


class Recording:
    """What the bodies of an entry are assembled to, without a lake."""

    def __init__(self, entry: Entry, bodies: Iterable[Body]) -> None:
        batch = Batch.union(read(body) for body in bodies)
        told = log_content.told(batch.spans, batch.log_events)
        filled = {(span.trace_id, span.span_id): span for span in told.spans}
        self.spans = [filled.get((s.trace_id, s.span_id), s) for s in batch.spans]
        self.messages: dict[str, Message] = {
            m.hash: json.loads(m.body) for m in (*batch.messages, *told.messages)
        }
        sets = (*batch.toolsets, *told.toolsets)
        library = Library(
            messages=self.messages, tools={one.hash: json.loads(one.body) for one in sets}
        )
        self.result = assemble(self.spans, library, now=NOW, link=entry.needs_link)
        self.messages |= {m.hash: json.loads(m.body) for m in self.result.messages}

    @property
    def episodes(self) -> list[Found]:
        return [
            {
                **msgspec.structs.asdict(episode),
                "messages": [self.messages[name] for name in episode.messages],
            }
            for episode in self.result.episodes
        ]

    @property
    def calls(self) -> list[Span]:
        """The model calls, each once, however often it was delivered."""
        once = {(span.trace_id, span.span_id): span for span in self.spans if span.kind == "llm"}
        return list(once.values())


def told(found: Found, expected: Mapping[str, Any]) -> str:
    """An episode as `truth` tells it, as far as the telemetry carries it."""
    carried = expected.get("carried") or {}
    tools = [tool["function"]["name"] for tool in json.loads(found["tools"] or "[]")]
    usage = (found["input_tokens"], found["output_tokens"])
    return form(
        found["messages"],
        found["trainable"],
        tools=tools if carried.get("tools", True) else None,
        usage=usage if carried.get("usage", True) and expected.get("usage") else None,
        failed=found["error"] is not None,
    )


def agree(found: Sequence[Found], entry: Entry) -> None:
    expected = sorted(truth(episode) for episode in entry.episodes)
    ours = sorted(told(episode, entry.episodes[0]) for episode in found)
    assert list(differences(ours, expected)) == []
    assert len(ours) == len(expected)


def named(entry: Entry) -> str:
    return entry.id


@pytest.mark.parametrize("entry", entries("full", "repaired"), ids=named)
def test_the_episodes_are_what_took_place(entry: Entry) -> None:
    found = Recording(entry, entry.bodies()).episodes
    agree(found, entry)
    if entry.quality == "repaired":
        assert all(LOSSES & set(episode["defects"]) for episode in found)


@pytest.mark.parametrize("entry", entries("partial"), ids=named)
def test_where_content_was_altered_roles_and_tools_are_right(entry: Entry) -> None:
    found = Recording(entry, entry.bodies()).episodes
    assert sorted(map(skeleton, found)) == sorted(map(skeleton, entry.episodes))


@pytest.mark.parametrize("entry", entries("no_content"), ids=named)
def test_without_content_there_is_no_episode_but_every_call(entry: Entry) -> None:
    recording = Recording(entry, entry.bodies())
    assert recording.episodes == []
    assert sum(recording.result.empty.values()) == len(recording.calls)
    ours = sorted(
        _call(span.model, span.input_tokens, span.output_tokens, span.error)
        for span in recording.calls
    )
    theirs = sorted(
        _call(call["model"], call["usage"].get("input"), call["usage"].get("output"), call["error"])
        for call in entry.expected["skeleton"]
    )
    assert ours == theirs


def _call(model: str | None, sent: int | None, said: int | None, error: object) -> str:
    return json.dumps([model, sent or 0, said or 0, error is not None])


@pytest.mark.parametrize("entry", entries(), ids=named)
def test_neither_order_nor_batches_nor_repeats_matter(entry: Entry) -> None:
    rng = Random(entry.id)
    alone = [part for body in entry.bodies() for part in split(body)]
    alone += rng.sample(alone, len(alone) // 2)
    rng.shuffle(alone)
    usual, other = Recording(entry, entry.bodies()), Recording(entry, alone)
    assert _by_id(other.result.episodes) == _by_id(usual.result.episodes)
    assert len({(span.trace_id, span.span_id) for span in other.spans}) == entry.spans


def _by_id(episodes: Iterable[Episode]) -> list[Episode]:
    return sorted(episodes, key=lambda episode: episode.episode_id)


def split(body: Body) -> list[Body]:
    """A body as one body for each span or log record."""
    export = decode(body.signal, body.content_type, body.payload)
    parts = [Export(spans=(span,)) for span in export.spans]
    parts += [Export(logs=(log,)) for log in export.logs]
    return [
        msgspec.structs.replace(body, content_type=STRIPPED, payload=msgspec.msgpack.encode(part))
        for part in parts
    ]


@pytest.mark.parametrize("entry", entries(), ids=named)
def test_every_completion_is_trained_once_or_has_a_reason(entry: Entry) -> None:
    recording = Recording(entry, entry.bodies())
    seen = sum(bool(span.output) for span in recording.calls)
    trained = sum(episode.turns for episode in recording.result.episodes)
    assert seen == trained + len(recording.result.untrained)


def test_there_are_recordings() -> None:
    assert len(entries("full")) > 120


# Through a real lake, where each entry costs seconds: what comes in log records, what several
# traces hold, what is told twice, and what only histories join.
FOLDERS = (
    "claude_code",
    "logfire",
    "mlflow",
    "openinference_openai",
    "otel_genai_event",
    "otel_genai_legacy_events",
    "otel_genai_openai_agents",
    "strands",
)
LINKED = ("otel_genai_span/conversation-bare", "traceloop_openai_old/long_conversation")
CHOSEN = {entry.folder: entry for entry in entries("full") if entry.folder in FOLDERS}
CHOSEN |= {entry.id: entry for entry in entries() if entry.id in LINKED}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Lake]:
    """Each span and record alone, some twice, in any order, with a night in between."""
    rng = Random(7)
    alone = [part for e in CHOSEN.values() for body in e.bodies(e.id) for part in split(body)]
    alone += rng.sample(alone, len(alone) // 3)
    rng.shuffle(alone)
    half = len(alone) // 2
    with Lake.open(tmp_path_factory.mktemp("recorded")) as lake:
        for bodies in (alone[:half], alone[half:]):
            batch = Batch.union(read(body) for body in bodies)
            lake.write(lambda tx, batch=batch: write(tx, batch))  # type: ignore[misc]
            for entry in CHOSEN.values():
                assemble_lake(lake, entry.id, now=NOW, link=entry.needs_link)
        yield lake


@pytest.mark.parametrize("entry", CHOSEN.values(), ids=named)
def test_a_night_before_the_rest_arrives_changes_nothing_in_the_end(
    entry: Entry, lake: Lake
) -> None:
    found = current(lake, entry.id)
    agree(found, entry)
    usual = Recording(entry, entry.bodies(entry.id)).result.episodes
    assert sorted(row["episode_id"] for row in found) == sorted(e.episode_id for e in usual)
    [stored] = lake.rows("select count(*) as n from spans where project = $p", {"p": entry.id})
    assert stored["n"] == entry.spans


def current(lake: Lake, project: str) -> list[Found]:
    """The current episodes of a project with their messages."""
    rows = lake.rows("from current_episodes where project = $project", {"project": project})
    hashes = sorted({name for row in rows for name in row["messages"]})
    known = "select hash, body from messages where hash in (select unnest($hashes::varchar[]))"
    bodies = {row["hash"]: json.loads(row["body"]) for row in lake.rows(known, {"hashes": hashes})}
    return [{**row, "messages": [bodies[name] for name in row["messages"]]} for row in rows]


def test_a_second_night_writes_nothing(lake: Lake) -> None:
    before = lake.snapshot_id
    for entry in list(CHOSEN.values())[::5]:
        assemble_lake(lake, entry.id, now=NOW, link=entry.needs_link)
    assert lake.snapshot_id == before
