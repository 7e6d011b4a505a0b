"""Which log records are kept, under which name, and in what form."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.ingest.log_row import event_name, kept, row
from headrace.ingest.telemetry import LogData, moment

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def record(name: str = "", body: object = None, **own: Any) -> LogData:
    return LogData(
        name=name,
        trace_id="a" * 32,
        span_id=None,
        at=moment(10**9),
        attributes={key.replace("__", "."): value for key, value in own.items()},
        body=body,
        resource={},
        scope="",
    )


@pytest.mark.parametrize(
    ("log", "name"),
    [
        (record("gen_ai.choice"), "gen_ai.choice"),
        (record(event__name="gen_ai.choice"), "gen_ai.choice"),
        (record("gen_ai.choice", event__name="other"), "gen_ai.choice"),
        (record(body="claude_code.user_prompt"), "claude_code.user_prompt"),
        (record(body="claude_code.tool_result", event__name="tool_result"),
         "claude_code.tool_result"),
        (record("claude_code.api_error", body="claude_code.other"), "claude_code.api_error"),
    ],
)  # fmt: skip
def test_a_record_is_named_by_itself_an_attribute_or_its_body(log: LogData, name: str) -> None:
    assert event_name(log) == name
    assert kept(log)
    assert row(log, project="p", received_at=NOW).name == name


@pytest.mark.parametrize(
    "log",
    [
        record(),
        record("http.request"),
        record(body="GET /gen_ai.choice"),
        record(body={"message": "gen_ai.choice"}),
        record(event__name=None),
        record("gen_ai"),
        record("my.gen_ai.choice"),
    ],
)
def test_other_records_are_not_kept(log: LogData) -> None:
    assert not kept(log)


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (None, None),
        ("", None),
        ("hi", '"hi"'),
        ({"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
        (0, "0"),
        (False, "false"),
        (float("nan"), '"nan"'),
        ("cut \ud83d", '"cut \ufffd"'),
    ],
)
def test_a_body_is_canonical_json_or_absent(body: object, stored: str | None) -> None:
    assert row(record("gen_ai.choice", body), project="p", received_at=NOW).body == stored


def test_ids_and_times_stay_and_what_is_missing_is_absent() -> None:
    made = row(record("gen_ai.choice", gen_ai__system="openai"), project="p", received_at=NOW)
    assert (made.project, made.trace_id, made.span_id) == ("p", "a" * 32, None)
    assert (made.at, made.received_at) == (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), NOW)
    assert json.loads(made.attributes) == {"gen_ai.system": "openai"}
