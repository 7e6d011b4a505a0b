"""What recorded spans tell beside their messages, against what is known of each recording."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from headrace.ingest import aliases, reader
from headrace.ingest.batch import Batch
from headrace.lake.message import Body
from headrace.lake.record import Span
from tests.recorded import Entry, entries, parsed

PROVIDERS = {  # by folder; else OpenAI
    "anthropic_sdk_native": "anthropic",
    "claude_code": "anthropic",
    "openinference_anthropic": "anthropic",
    "strands": "strands-agents",
    "langfuse_v5": None,
    "mlflow": None,
    "mlflow_semconv": None,
}
FIRST = 24  # input tokens that the scripted OpenAI server counts for what it has not seen yet
ANTHROPIC = (100, 30)  # tokens of the cache that the scripted Anthropic server read and wrote
IN_LOGS = ("claude_code",)  # ids and time to first token come with the log records
WITHOUT_CONTENT = ("otel_genai_event", "otel_genai_event_json", "claude_code")  # of tools, in spans

ENTRIES = {entry.id: entry for entry in entries("full")}
RECORDED = pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.id)


@cache
def named(name: str) -> Batch:
    return Batch.union(reader.read(body) for body in ENTRIES[name].bodies("p"))


def batch(entry: Entry) -> Batch:
    return named(entry.id)


def calls(entry: Entry) -> list[Span]:
    return [span for span in batch(entry).spans if span.kind == "llm"]


def told(entry: Entry, field: str) -> set[Any]:
    """What the telemetry holds of a field, by the manifest; an odd one quotes it as JSON."""
    values = {episode[field] for episode in entry.episodes}
    return {value.strip('"') for value in values if value is not None}


@RECORDED
def test_model_and_provider_are_those_of_the_recording(entry: Entry) -> None:
    spans = [span for span in calls(entry) if span.status != "error"]
    assert {span.provider for span in calls(entry)} == {PROVIDERS.get(entry.folder, "openai")}
    for name in told(entry, "model") if spans else ():
        assert all(str(span.model).startswith(name) for span in spans)


@RECORDED
def test_conversation_and_user_stand_somewhere_in_the_trace(entry: Entry) -> None:
    spans = batch(entry).spans
    assert {span.conversation_id for span in spans} - {None} == told(entry, "conversation_id")
    assert {span.user_id for span in spans} - {None} == told(entry, "user_id")


@RECORDED
def test_the_last_response_of_an_episode_ends_as_it_was_recorded(entry: Entry) -> None:
    found = {span.response_id: span for span in calls(entry)}
    for episode in entry.episodes if entry.folder not in IN_LOGS else ():
        assert set(episode["response_ids"]) <= set(found)
        last = found.get(next(iter(reversed(episode["response_ids"])), None))
        if last is not None and episode["finish_reason"]:
            said = aliases.finish(episode["finish_reason"])
            assert last.finish_reason == ("tool_calls" if called(episode) else said)


def called(episode: Mapping[str, Any]) -> bool:
    """Whether the last thing a model said is a tool call."""
    said = [message for message in episode["messages"] if message["role"] == "assistant"]
    return bool(said[-1].get("tool_calls"))


@RECORDED
def test_time_to_first_token_is_that_of_the_recording(entry: Entry) -> None:
    expected = sorted(t for e in entry.episodes for t in e["ttft_s"] if t is not None)
    found = sorted(s.ttft_ms / 1000 for s in calls(entry) if s.ttft_ms is not None)
    if entry.folder not in IN_LOGS:
        assert found == pytest.approx(expected, abs=1e-4)


@RECORDED
def test_no_cost_is_made_up(entry: Entry) -> None:
    assert {e["cost_usd"] for e in entry.episodes} == {None}
    assert {span.cost_usd for span in calls(entry)} == {None}


@RECORDED
def test_the_cache_is_counted_as_the_server_counted_it_or_not_at_all(entry: Entry) -> None:
    for span in calls(entry):
        if span.provider == "anthropic":
            assert (span.cached_tokens, span.cache_write_tokens) == ANTHROPIC
        elif span.cached_tokens is not None:
            assert span.cached_tokens == max((span.input_tokens or 0) - FIRST, 0)
        assert span.reasoning_tokens in (None, 0)


@RECORDED
def test_a_tool_run_is_a_call_of_an_episode_and_its_result(entry: Entry) -> None:
    asked = {call["id"]: call for call in made(entry)}
    given = {
        m["tool_call_id"]: parsed(m["content"]) for m in messages(entry) if "tool_call_id" in m
    }
    for called, answer in runs(entry):
        same = [i for i, call in asked.items() if function(call) == function(called)]
        assert same
        assert called["id"] in ("", *same)
        answers = [given[i] for i in same if i in given]
        assert answer is None or not answers or parsed(answer["content"]) in answers


def messages(entry: Entry) -> Iterator[Body]:
    yield from (message for episode in entry.episodes for message in episode["messages"])


def made(entry: Entry) -> Iterator[Body]:
    for message in messages(entry):
        yield from message.get("tool_calls") or ()


def function(call: Mapping[str, Any]) -> tuple[str, object]:
    return call["function"]["name"], parsed(call["function"]["arguments"])


def runs(entry: Entry) -> Iterator[tuple[Body, Body | None]]:
    """Each run with its result; of a failed one the words of the error, which differ."""
    if entry.folder in WITHOUT_CONTENT:
        return
    read = batch(entry)
    bodies = {message.hash: json.loads(message.body) for message in read.messages}
    for span in read.spans:
        if span.kind == "tool" and not span.name.startswith("handoff to "):
            [call] = bodies[span.input[0]]["tool_calls"]
            whole = span.output and span.status != "error"
            yield call, bodies[span.output[0]] if whole else None
