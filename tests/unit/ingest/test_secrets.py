"""Stripping as an algebra, and where telemetry is looked at."""

import json
import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest import otlp
from headrace.ingest.batch import Batch
from headrace.ingest.secrets import export as secrets
from headrace.ingest.secrets import raw, text
from headrace.ingest.secrets.keyname import telling
from headrace.ingest.secrets.tree import Stripper
from headrace.ingest.telemetry import EventData, Export, LogData, SpanData
from headrace.lake.record import LogEvent, Outcome, Span

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"
PAT = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
OTHER = "gsk_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9aB3dE5gH7jK9mN1pQ3sT5vW7y"
PLACED = "[secret:openai_key]"

PIECES = st.sampled_from(
    [
        KEY, PAT, PLACED, "[secret:", "]", "password", "Password=", '"token": ', "api_key='",
        "Bearer ", "Authorization: ", "postgres://u:", "@host", "AKIA" + "ABCDEFGH23456789",
        "hunter2!", "9f8e7d6c5b4a3928", "-----BEGIN PRIVATE KEY-----", "A" * 30 + "b1",
        "Cookie: a=", "curl -u a:", "\\n", '\\"', '"', "'", "\\", "/", "&", "?", "=", ": ", " ",
        "\n", "{", "}", "[", ",", "é", "，", "\ud800", "\\u0026", "eyJabcdefghij.", "x", "7",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
KEYS = st.sampled_from(["password", "token", "name", "value", "x-api-key", "cookies", KEY, "note"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | TEXTS, inner, max_size=4)
        | inner.map(lambda value: json.dumps(value))
    ),
    max_leaves=12,
)


def strip(value: Any) -> tuple[Any, list[str]]:
    work = Stripper()
    return work.value(value), work.removed


@given(value=VALUES)
@settings(deadline=None)
def test_stripping_twice_is_stripping_once(value: Any) -> None:
    bare, removed = strip(value)
    again, told = strip(bare)
    assert again is bare
    assert told == removed, "what was removed can be told from what is left"


@given(before=TEXTS, after=TEXTS, depth=st.integers(0, 3))
@settings(deadline=None)
def test_a_key_that_stands_alone_is_found_at_any_depth(before: str, after: str, depth: int) -> None:
    value: Any = {"content": f"{before} {OTHER} {after}"}
    for _ in range(depth):
        value = {"body": json.dumps(value)}
    bare, removed = strip(value)
    assert OTHER not in json.dumps(bare)
    assert removed


@given(noise=st.text(string.ascii_letters + string.digits + " .,:;-_/+()\n", max_size=300))
@settings(deadline=None)
def test_what_is_removed_leaves_all_else_as_it_was(noise: str) -> None:
    bare, removed = strip(f"{noise}\n{KEY}\n{noise}")
    if not strip(noise)[1]:
        assert bare == f"{noise}\n{PLACED}\n{noise}"
        assert removed == ["openai_key"]


def test_a_value_without_secrets_is_the_same_object() -> None:
    value = {"a": ["x", {"b": json.dumps({"c": "no password here"})}], "n": 1}
    assert strip(value)[0] is value


def test_the_order_of_keys_and_the_numbers_stay() -> None:
    given = json.dumps({"z": 1.50, "note": KEY, "a": 10**25, "é": "日本"}, ensure_ascii=False)
    assert strip(given)[0] == given.replace(KEY, PLACED)


def test_two_keys_that_become_one_placeholder_keep_both_values() -> None:
    bare, removed = strip({KEY: "a", KEY + "x1": "b", "c": "d"})
    assert bare == {PLACED: "a", f"{PLACED} 2": "b", "c": "d"}
    assert removed == ["openai_key", "openai_key"]


def test_json_deeper_than_anyone_reads_is_taken_as_a_text() -> None:
    deep = "[" * 200 + f'"{KEY}"' + "]" * 200
    assert strip(deep)[0] == deep.replace(KEY, PLACED)
    assert strip("[" * 100_000 + KEY)[0] == "[" * 100_000 + PLACED


def test_texts_made_to_be_slow_are_stripped_all_the_same() -> None:
    for piece in (
        "password=",
        "a:b@c://",
        "sk-" * 3,
        "eyJ.",
        "-----BEGIN ",
        "authorization: bearer ",
    ):
        hostile = piece * 5_000 + f" {KEY} "
        assert KEY not in strip(hostile)[0]
    many = f"{KEY} " * 5_000
    assert strip(many) == (f"{PLACED} " * 5_000, ["openai_key"] * 5_000)


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.usage.input_tokens", "max_tokens", "token_count", "tokens", "next_token",
        "nextPageToken", "pad_token", "id", "key", "primary_key", "cache_key", "public_key",
        "session_id", "api_key_id", "password_policy", "author", "compass", "secretary",
        "http.request.header.accept", "tool_call_id", "signature", "",
    ],
)  # fmt: skip
def test_a_key_that_tells_nothing(key: str) -> None:
    assert telling(key) is None


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("http.request.header.authorization", "authorization"), ("DB_PASSWORD", "password"),
        ("newPassword", "password"), ("user.passwd.0", "password"), ("X-Api-Key", "api_key"),
        ("openaiApiKey", "api_key"), ("aws_secret_access_key", "api_key"),
        ("clientSecret", "shared_secret"), ("access_token", "token"), ("xsrfToken", "token"),
        ("set-cookie", "cookie"), ("headrace.metadata.apikey", "api_key"),
        ("x" * 100_000 + "_password", "password"),
    ],
)  # fmt: skip
def test_a_key_that_tells(key: str, kind: str) -> None:
    found = telling(key)
    assert found is not None and found.kind == kind


def span(**fields: Any) -> SpanData:
    plain: dict[str, Any] = {
        "trace_id": "1" * 32, "span_id": "2" * 16, "parent_span_id": None, "name": "chat",
        "started_at": NOON, "ended_at": NOON, "status": "ok", "status_message": "",
        "attributes": {}, "events": (), "links": (), "resource": {}, "scope": "", "dropped": 0,
    }  # fmt: skip
    return SpanData(**plain | fields)


def event(name: str, **attributes: Any) -> EventData:
    return EventData(name=name, at=NOON, attributes=attributes)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": f"GET /?api_key={KEY}"},
        {"status_message": f"401 for {KEY}"},
        {"attributes": {"input.value": f"use {KEY}"}},
        {"attributes": {"gen_ai.input.messages": json.dumps([{"content": f"use {KEY}"}])}},
        {"attributes": {"tool.parameters": {"deep": [{"x": KEY}]}}},
        {"attributes": {f"note {KEY}": "x"}},
        {"resource": {"process.command_args": ["serve", KEY]}},
        {"events": (event("exception", message=f"rejected {KEY}"),)},
        {"events": (event(f"rejected {KEY}"),)},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_a_span_is_looked_at_everywhere(fields: dict[str, Any]) -> None:
    bare = secrets.stripped(Export(spans=(span(**fields),))).spans[0]
    assert KEY not in repr(bare) and PLACED in repr(bare)
    assert bare.removed == ("openai_key",)


def test_an_attribute_is_known_by_its_key() -> None:
    own = {"http.request.header.authorization": ["Bearer abcdef"], "user.password": "mill"}
    held = {"env.DB_PASSWORD": "mill"}
    bare = secrets.stripped(Export(spans=(span(attributes=own, resource=held),))).spans[0]
    assert bare.attributes == {
        "http.request.header.authorization": ["[secret:authorization]"],
        "user.password": "[secret:password]",
    }
    assert bare.resource == {"env.DB_PASSWORD": "[secret:password]"}
    assert bare.removed == ("authorization", "password", "password")


def test_a_log_record_is_looked_at_everywhere() -> None:
    def log(**fields: Any) -> LogData:
        plain: dict[str, Any] = {
            "name": "gen_ai.choice", "trace_id": None, "span_id": None, "at": NOON,
            "attributes": {}, "body": None, "resource": {}, "scope": "",
        }  # fmt: skip
        return LogData(**plain | fields)

    given = (
        log(body={"message": {"content": KEY}}),
        log(body=f"use {KEY}"),
        log(attributes={"prompt": KEY}),
        log(resource={"env": KEY}),
        log(body="nothing"),
    )
    bare = secrets.stripped(Export(logs=given)).logs
    assert KEY not in repr(bare)
    assert [one.removed for one in bare] == [("openai_key",)] * 4 + [()]
    assert bare[4] is given[4]


def test_clean_telemetry_is_the_same_object(recorded: Any) -> None:
    files = sorted(recorded.glob("*/*/*-traces.bin"))
    assert len(files) > 20
    for file in files:
        export = otlp.decode("traces", "application/x-protobuf", file.read_bytes())
        assert secrets.stripped(export) is export, file


def test_a_resource_of_many_spans_is_stripped_once_and_told_of_each() -> None:
    held = {"token": "9f8e7d6c5b4a3928"}
    spans = tuple(span(span_id=f"{n:016x}", resource=held) for n in range(3))
    bare = secrets.stripped(Export(spans=spans)).spans
    assert len({id(one.resource) for one in bare}) == 1
    assert {one.removed for one in bare} == {("token",)}


def test_a_posted_line_keeps_its_bytes_unless_there_is_a_secret() -> None:
    line = b'{ "id":"e" ,"messages":[]}'
    assert secrets.stripped_line(line) == (line, ())
    dirty = json.dumps({"id": "e", "metadata": {"password": "mill", "n": 1.0}}).encode()
    bare, removed = secrets.stripped_line(dirty)
    assert json.loads(bare) == {"id": "e", "metadata": {"password": "[secret:password]", "n": 1.0}}
    assert removed == ("password",)
    assert secrets.stripped_line(bare) == (bare, removed)


def test_a_line_that_is_no_json_is_left_to_its_reader() -> None:
    assert secrets.stripped_line(f"no json {KEY}".encode()) == (f"no json {KEY}".encode(), ())


def test_rows_that_lost_a_secret_are_counted_by_kind() -> None:
    base: dict[str, Any] = {"project": "p", "received_at": NOON}
    defects = ("no_content", "secret_removed:jwt", "secret_removed:password")
    marked = Span(trace_id="t", span_id="s", kind="llm", name="n", defects=defects, **base)
    events = LogEvent(name="x", body=f'"{PLACED} {PLACED}"', **base)
    target: dict[str, Any] = {"target_kind": "trace", "target_id": "t", "source": "user"}
    mark = Outcome(outcome_id="o", at=NOON, comment=PLACED, **target, **base)
    batch = Batch(spans=(marked, marked), log_events=(events,), outcomes=(mark,))
    assert secrets.counted(batch) == {"jwt": 2, "password": 2, "openai_key": 2}
    assert secrets.counted(Batch()) == {}


def test_bytes_that_nobody_decodes_are_covered_in_place() -> None:
    wire = b"\x0a\x12\xff" + KEY.encode() + b"\x00\n\x08password\x12\x08\n\x06hunter rest"
    bare = raw.covered(wire)
    assert len(bare) == len(wire)
    assert bare == (
        b"\x0a\x12\xff"
        + PLACED.encode().ljust(len(KEY), b"*")
        + b"\x00\n\x08password\x12\x08\n\x06****** rest"
    )
    told = b'{"key": "db.password", "value": {"stringValue": "mill"}}'
    assert raw.covered(told) == told.replace(b"mill", b"****")
    assert raw.covered(b"\xff\x00 nothing") == b"\xff\x00 nothing"


def test_the_kinds_of_placeholders_can_be_read_back() -> None:
    assert text.placeholders(b"a [secret:jwt] [secret:] [secret:aws_secret_key].") == [
        "jwt",
        "aws_secret_key",
    ]
