"""Hostile bodies in the readers: rows or a refusal in our words, never another error."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.batch import Batch, Body, Signal
from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import DEPTH, crowded, deep
from headrace.ingest.reader import Accepted, check, read

ROOT = Path(__file__).parents[3]
SECONDS = 6.0
JSON, LINES = "application/json", "application/x-ndjson"
TRACE = "5b8efff798038103d269b633813fc60c"

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "NaN", "9" * 5_000, "[[", '{"role": "user"}', TRACE])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "name", "key", "value", "id"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("seed", [0])
def test_recorded_bodies_damaged_at_random_are_read_or_refused(seed: int) -> None:
    command = [sys.executable, "benchmarks/fuzz.py", f"--seconds={SECONDS}", f"--seed={seed}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    told = re.match(r"([\d,]+) bodies: ", done.stdout)
    assert told is not None
    assert int(told[1].replace(",", "")) > 20
    assert "'read'" in done.stdout
    assert "'refused'" in done.stdout


def rows(signal: Signal, accepted: Accepted) -> Batch:
    """As the drain reads them."""
    body = Body(
        seq=1,
        signal=signal,
        content_type=accepted.content_type,
        payload=accepted.kept,
        received_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    return read(body)


def survives(signal: Signal, body: dict[str, Any]) -> None:
    payload = json.dumps(body).encode()
    for strict in (False, True):
        try:
            rows(signal, check(signal, JSON, payload, None, strict=strict))
        except Undecodable as error:
            assert str(error)


EPISODE: dict[str, Any] = {
    "messages": [{"role": "user", "content": "hi"}],
    "usage": {"input_tokens": 3},
    "outcome": {"success": True},
    "metadata": {"task": "t"},
}
OUTCOME: dict[str, Any] = {"conversation": "c", "success": True, "name": "n"}


@settings(max_examples=150, deadline=None)
@given(
    field=st.sampled_from(
        [
            "messages",
            "id",
            "tools",
            "usage",
            "cost_usd",
            "started_at",
            "outcome",
            "metadata",
            "user",
        ]
    ),
    value=values,
)
def test_any_value_of_any_field_of_an_episode_is_read_or_refused(field: str, value: Any) -> None:
    survives("episodes", EPISODE | {field: value})
    survives("episodes", EPISODE | {"messages": [{"role": "assistant", "content": value}]})


@settings(max_examples=100, deadline=None)
@given(
    field=st.sampled_from(["conversation", "correction", "score", "at", "id", "name", "author"]),
    value=values,
)
def test_any_value_of_any_field_of_an_outcome_is_read_or_refused(field: str, value: Any) -> None:
    survives("outcomes", OUTCOME | {field: value})


KEYS = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.definitions",
    "gen_ai.usage.input_tokens",
    "llm.input_messages.4294967295.message.content",
    "llm.input_messages",
    "llm.invocation_parameters",
    "input.value",
    "metadata",
    "openinference.span.kind",
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(KEYS), value=values, depth=st.integers(0, 3))
def test_any_value_of_an_attribute_is_read(key: str, value: Any, depth: int) -> None:
    text = json.dumps(value)
    for _ in range(depth):  # JSON in JSON in JSON
        text = json.dumps([{"role": "user", "content": text}])
    pairs = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "openinference.span.kind", "value": {"stringValue": "LLM"}},
        {"key": key, "value": {"stringValue": text}},
    ]
    span = {"traceId": TRACE, "spanId": "eee19b7ec3c1b174", "attributes": pairs}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    payload = json.dumps(body).encode()
    accepted = check("traces", JSON, payload, None)
    assert accepted.accepted == len(rows("traces", accepted).spans) == 1


@pytest.mark.parametrize("opener", ["[", '{"a":', '[{"a":', '[0,"]",'])
@pytest.mark.parametrize("more", [0, 1, 10_000])
def test_how_deep_a_text_nests_is_told_without_reading_it(opener: str, more: int) -> None:
    each = opener.count("[") + opener.count("{")
    payload = (opener * (DEPTH // each + more)).encode()
    assert deep(payload) == (more > 0)
    assert not deep(json.dumps({"quoted": payload.decode()}).encode())


def test_flat_and_quoted_is_neither_deep_nor_crowded() -> None:
    flat = b"[" + b"[]," * 1_000 + b"[]]"
    assert not deep(flat)
    assert not crowded(json.dumps("[{,:" * 400_000).encode())
    assert not crowded(b'"' + b'\\"' * 2_000_000)  # a quote that never ends takes no longer
    assert crowded(b"[" + b"0," * 1_000_001 + b"0]")


@pytest.mark.parametrize("signal", ["episodes", "outcomes"])
def test_a_deep_body_with_a_secret_is_refused_like_any(signal: Signal) -> None:
    body = EPISODE if signal == "episodes" else OUTCOME
    field = "metadata" if signal == "episodes" else "correction"
    nested = '{"authorization":' * 900 + '"Bearer abcdefghijklmnopqrstuvwxyz"' + "}" * 900
    line = json.dumps(body | {field: "@"}).replace('"@"', nested).encode()
    for content_type in (JSON, LINES):
        with pytest.raises(Undecodable, match="too deeply"):
            check(signal, content_type, line, None)
