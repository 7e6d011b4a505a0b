"""An episode handed over whole: its row, its identity, and what is no episode."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from headrace.ingest.batch import CONTENT
from headrace.ingest.episode_row import Given, episode, identity
from headrace.ingest.errors import Undecodable
from headrace.lake.record import Episode

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
USER, SYSTEM = {"role": "user", "content": "hi"}, {"role": "system", "content": "be kind"}
HELLO = {"role": "assistant", "content": "hello"}
GIVEN = Given(messages=[SYSTEM, USER, HELLO], model="m")


def row(given: Given) -> Episode:
    batch = episode(given, episode_id="e", content=identity(given), project="p", at=NOW)
    [made] = batch.episodes
    assert [message.hash for message in batch.messages] == list(made.messages)
    return made


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [SYSTEM, USER]},
        {"messages": [USER, SYSTEM, HELLO]},
        {"tools": []},
        {"conversation": "c"},
        {"user": "u"},
        {"release": "r"},
        {"model": "n"},
        {"started_at": NOW},
        {"ended_at": NOW},
        {"input_tokens": 0},
        {"output_tokens": 0},
        {"cost_usd": Decimal(0)},
        {"metadata": {"task": "t"}},
    ],
    ids=lambda change: str(next(iter(change))),
)
def test_everything_that_is_known_counts_for_the_identity(change: dict[str, Any]) -> None:
    assert identity(msgspec.structs.replace(GIVEN, **change)) != identity(GIVEN)


def test_what_is_not_known_does_not_count() -> None:
    same = Given(messages=[dict(reversed(SYSTEM.items())), USER, HELLO], model="m", metadata={})
    assert identity(same) == identity(GIVEN)


def test_the_identity_is_told_in_the_metadata_and_cannot_be_forged() -> None:
    made = row(msgspec.structs.replace(GIVEN, metadata={CONTENT: "mine", "task": "t"}))
    assert json.loads(made.metadata)["task"] == "t"
    assert json.loads(made.metadata)[CONTENT] != "mine"


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "d"}]}
BLANK = {"role": "assistant", "content": " \n"}
DONE = {"role": "tool", "tool_call_id": "c", "content": "r"}


@pytest.mark.parametrize(
    ("messages", "turns", "tool_calls", "trainable", "request_text"),
    [
        ([USER], 0, 0, (False,), "hi"),
        ([SYSTEM, USER, USER, HELLO], 1, 0, (False, False, False, True), "hi\nhi"),
        ([USER, HELLO, USER, HELLO], 2, 0, (False, True, False, True), "hi"),
        ([HELLO, USER], 1, 0, (True, False), "hi"),
        ([SYSTEM, HELLO, USER, HELLO, USER], 2, 0, (False, True, False, True, False), "hi"),
        ([HELLO], 1, 0, (True,), ""),
        ([CALLS, DONE, USER], 1, 2, (True, False, False), ""),
        ([SYSTEM], 0, 0, (False,), ""),
        ([USER, CALLS, DONE, HELLO], 2, 2, (False, True, False, True), "hi"),
        ([USER, BLANK, DONE, HELLO], 2, 0, (False, False, False, True), "hi"),
    ],
)
def test_turns_calls_and_request_are_counted_over_canonical_messages(
    messages: list[Any], turns: int, tool_calls: int, trainable: tuple[bool, ...], request_text: str
) -> None:
    made = row(Given(messages=messages))
    assert (made.turns, made.tool_calls, made.trainable) == (turns, tool_calls, trainable)
    assert made.request == request_text


@pytest.mark.parametrize(
    ("start", "end", "latency_ms"),
    [(0, 1500, 1500.0), (0, 0, 0.0), (1, 0, None), (None, 1, None), (1, None, None)],
)
def test_the_latency_is_known_where_both_times_are(
    start: int | None, end: int | None, latency_ms: float | None
) -> None:
    times = (None if ms is None else NOW + timedelta(milliseconds=ms) for ms in (start, end))
    started_at, ended_at = times
    made = row(msgspec.structs.replace(GIVEN, started_at=started_at, ended_at=ended_at))
    assert made.latency_ms == latency_ms


def test_media_are_no_text_of_the_request() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    said = {"role": "user", "content": [{"type": "text", "text": "what is this?"}, picture]}
    assert row(Given(messages=[said])).request == "what is this?"


@pytest.mark.parametrize(
    ("tools", "stored"),
    [
        (None, None),
        ([], "[]"),
        ([{"name": "f"}],
         '[{"function":{"description":"","name":"f","parameters":{}},"type":"function"}]'),
    ],
)  # fmt: skip
def test_no_tools_are_told_from_tools_that_are_not_known(tools: Any, stored: str | None) -> None:
    assert row(Given(messages=[USER], tools=tools)).tools == stored


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (Given(messages=[]), "messages is empty: give at least one message"),
        (Given(messages=None), "messages is NoneType: give a list"),
        (Given(messages="hi"), "messages is str"),
        (Given(messages=[USER], tools={"name": "f"}), "tools is no list: give a list of"),
        (Given(messages=[USER], tools=7), "tools is no list"),
        (
            Given(messages=[USER], tools=[{"name": "f"}, {"type": "x"}]),
            "give every function a name",
        ),
    ],
)
def test_what_is_no_episode_is_refused(given: Given, fault: str) -> None:
    with pytest.raises(Undecodable, match=fault):
        row(given)


def test_a_release_is_given_or_made_of_prompt_model_and_tools() -> None:
    assert row(msgspec.structs.replace(GIVEN, release="7")).release == "7"
    made = {
        row(msgspec.structs.replace(GIVEN, **change)).release
        for change in (
            {},
            {"user": "other", "conversation": "c"},
            {"model": "n"},
            {"tools": [{"name": "f"}]},
            {"messages": [USER, HELLO]},
        )
    }
    assert len(made) == 4


def test_metadata_that_json_cannot_hold_is_written_in_words() -> None:
    made = row(Given(messages=[USER], metadata={"a\ud800": float("inf"), "b": ["\udc00"]}))
    told = json.loads(made.metadata)
    assert (told["a\ufffd"], told["b"]) == ("inf", ["\ufffd"])
