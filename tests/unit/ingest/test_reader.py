"""Bodies checked before the spool and read in the drain: both must agree."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest.batch import CONTENT, Batch, Signal
from headrace.ingest.errors import Undecodable
from headrace.ingest.reader import NDJSON, check

JSON, LINES, PROTOBUF = "application/json", "application/x-ndjson", "application/x-protobuf"
TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
TRACE = "5b8efff798038103d269b633813fc60c"

Read = Callable[..., Batch]
ReadEntry = Callable[[Path, Mapping[str, Any]], Batch]
EntryOf = Callable[[str], tuple[Path, Mapping[str, Any]]]


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def posted(read: Read, signal: Signal, **fields: Any) -> Batch:
    """Rows of one posted object, by way of the spool."""
    accepted = check(signal, JSON, line(**fields), None)
    assert (accepted.accepted, accepted.rejected) == (1, 0)
    return read(signal, JSON, accepted.kept)


def test_an_episode_becomes_a_row_with_its_messages(read: Read, now: datetime) -> None:
    batch = posted(
        read,
        "episodes",
        id="e-1",
        project="shop",
        conversation="c-1",
        user="u-1",
        model="m",
        messages=[
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": "one"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "tool_calls": [{"id": "x", "name": "f", "args": {}}]},
            {"role": "tool", "tool_call_id": "x", "content": "r"},
            {"role": "assistant", "content": "done"},
        ],
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        usage={"prompt_tokens": 10, "output_tokens": 5},
        cost_usd=0.25,
        started_at="2026-10-01T10:00:00+02:00",
        metadata={"task": "greet", "external_id": "o-7"},
    )
    [row] = batch.episodes
    assert (row.project, row.episode_id, row.revision) == ("shop", "e-1", 1)
    assert row.trainable == (False, False, False, True, False, True)
    assert (row.turns, row.tool_calls, row.request) == (2, 1, "one\ntwo")
    assert (row.input_tokens, row.output_tokens, str(row.cost_usd)) == (10, 5, "0.250000000")
    assert row.started_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert (row.at, row.latency_ms) == (now, None)
    assert json.loads(row.metadata)["external_id"] == "o-7"
    assert [message.hash for message in batch.messages] == list(row.messages)
    assert str(row.release).startswith("h:")


def test_without_an_id_the_content_names_the_episode(read: Read) -> None:
    first, again, other = (
        posted(read, "episodes", messages=TALK, user=user).episodes[0] for user in ("a", "a", "b")
    )
    assert first == again
    assert first.episode_id != other.episode_id
    assert json.loads(first.metadata)[CONTENT] == first.episode_id


def test_the_id_is_in_what_is_kept(read: Read) -> None:
    accepted = check("episodes", JSON, line(messages=TALK, id=None), None)
    assert json.loads(accepted.kept)["id"] == accepted.ids[0]
    assert check("episodes", JSON, accepted.kept, None) == accepted
    assert read("episodes", JSON, accepted.kept).episodes[0].episode_id == accepted.ids[0]


@pytest.mark.parametrize(
    ("outcome", "success", "score", "source"),
    [
        (True, True, None, "product"),
        (0.5, None, 0.5, "product"),
        (1, None, 1.0, "product"),
        ({"success": False, "comment": "no", "source": "human"}, False, None, "human"),
    ],
)
def test_an_inline_outcome_targets_its_episode(
    read: Read, outcome: Any, success: bool | None, score: float | None, source: str
) -> None:
    batch = posted(read, "episodes", id="e", messages=TALK, outcome=outcome)
    [mark] = batch.outcomes
    assert (mark.target_kind, mark.target_id) == ("episode", "e")
    assert (mark.success, mark.score, mark.source) == (success, score, source)


def test_a_corrected_inline_outcome_takes_the_place_of_the_first(read: Read) -> None:
    ids = {
        posted(read, "episodes", id="e", messages=TALK, outcome=said).outcomes[0].outcome_id
        for said in (True, False)
    }
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"trace_id": TRACE.upper()}, ("trace", TRACE)),
        ({"trace_id": "5b8efff7-9803-8103-d269-b633813fc60c"}, ("trace", TRACE)),
        ({"span_id": "EEE19B7EC3C1B174"}, ("span", "eee19b7ec3c1b174")),
        ({"response_id": "resp_1"}, ("response", "resp_1")),
        ({"conversation": "c"}, ("conversation", "c")),
        ({"episode": "e"}, ("episode", "e")),
        ({"external_id": "o-7"}, ("external", "o-7")),
    ],
)
def test_an_outcome_names_its_target(
    read: Read, now: datetime, given: dict[str, str], target: tuple[str, str]
) -> None:
    [mark] = posted(read, "outcomes", success=True, **given).outcomes
    assert (mark.target_kind, mark.target_id) == target
    assert (mark.source, mark.name, mark.at, mark.received_at) == ("product", "outcome", now, now)


def test_a_correction_is_a_message(read: Read) -> None:
    call = {"id": "c", "name": "f", "arguments": {"b": 1}}
    [text] = posted(read, "outcomes", episode="e", correction="say this").outcomes
    [asked] = posted(read, "outcomes", episode="e", correction={"tool_calls": [call]}).outcomes
    assert json.loads(str(text.correction)) == {"role": "assistant", "content": "say this"}
    [made] = json.loads(str(asked.correction))["tool_calls"]
    assert made["function"] == {"name": "f", "arguments": '{"b": 1}'}


def test_the_same_mark_posted_twice_is_one(read: Read) -> None:
    same, again, later = (
        posted(read, "outcomes", episode="e", success=True, **fields).outcomes[0].outcome_id
        for fields in ({}, {}, {"at": "2026-01-01T00:00:00Z"})
    )
    assert same == again != later


@pytest.mark.parametrize(
    ("signal", "fields", "fault"),
    [
        ("outcomes", {"success": True}, "found none: give exactly one of trace_id"),
        ("outcomes", {"episode": "e", "trace_id": TRACE, "score": 1}, "trace_id and episode"),
        ("outcomes", {"episode": "e"}, "give one of success, score, comment, correction"),
        ("outcomes", {"episode": "e", "score": 1, "source": "me"}, "human, user, product"),
        ("outcomes", {"trace_id": "xyz", "success": True}, "'xyz': give 32 hex digits"),
        ("outcomes", {"span_id": "0" * 15, "success": True}, "give 16 hex digits"),
        ("outcomes", {"episode": "e", "success": "yes"}, r"\$.success"),
        ("outcomes", {"episode": "e", "sucess": True}, "`sucess`; there are: .*success"),
        ("outcomes", {"episode": "e", "correction": {"role": "x"}}, "role is 'x'"),
        ("episodes", {}, "missing required field `messages`"),
        ("episodes", {"messages": []}, "messages is empty"),
        ("episodes", {"messages": [{"role": "bot"}]}, r"messages\[0\].role is 'bot'"),
        ("episodes", {"messages": TALK, "tools": [{"type": "x"}]}, "function.name"),
        ("episodes", {"messages": TALK, "usage": {"input_tokens": -1}}, "usage.input_tokens"),
        ("episodes", {"messages": TALK, "cost_usd": "free"}, "cost_usd is 'free'"),
        ("episodes", {"messages": TALK, "started_at": "soon"}, r"\$.started_at"),
        ("episodes", {"messages": TALK, "outcome": {"source": "me", "score": 1}}, "source"),
    ],
)
def test_what_is_refused_names_field_and_cure(
    signal: Signal, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(Undecodable, match=fault):
        check(signal, JSON, line(**fields), None)


def test_of_many_lines_the_good_ones_are_kept(read: Read) -> None:
    payload = b"\n".join(
        [line(id="a", messages=TALK), b"", b"{broken", line(messages=3), line(id=7, messages=TALK)]
    )
    accepted = check("episodes", LINES, payload, None)
    assert (accepted.accepted, accepted.rejected, accepted.ids) == (2, 2, ("a", "7"))
    assert "line 3: no JSON" in accepted.error
    assert "line 4: Expected `array`" in accepted.error
    rows = read("episodes", LINES, accepted.kept).episodes
    assert [row.episode_id for row in rows] == ["a", "7"]


def test_many_faults_are_told_in_few_words() -> None:
    accepted = check("episodes", LINES, b"{}\n" * 50 + line(messages=TALK), None)
    assert accepted.rejected == 50
    assert accepted.error.endswith("and 45 more")


@pytest.mark.parametrize("payload", [b"", b"\n \n", b"{}\n{}", b"[" * 100_000, b"\xff"])
def test_a_body_without_a_good_line_is_refused(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        check("outcomes", LINES, payload, None)


def test_half_a_character_in_a_posted_message_is_replaced(read: Read) -> None:
    payload = b'{"messages": [{"role": "user", "content": "cut \\ud83d"}]}'
    kept = check("episodes", JSON, payload, None).kept
    [message] = read("episodes", JSON, kept).messages
    assert json.loads(message.body)["content"] == "cut \ufffd"


def test_the_key_goes_before_the_payload_in_naming_the_project(read: Read) -> None:
    payload = line(id="a", project="payload", messages=TALK)
    assert read("episodes", JSON, payload, "key").episodes[0].project == "key"
    assert read("episodes", JSON, payload).episodes[0].project == "payload"


@pytest.mark.parametrize(
    ("where", "project"), [("resource", "r"), ("span", "s"), (None, "default")]
)
def test_a_trace_may_name_its_project(read: Read, where: str | None, project: str) -> None:
    said = [{"key": "headrace.project", "value": {"stringValue": project}}]
    span: dict[str, Any] = {"traceId": TRACE, "spanId": "eee19b7ec3c1b174", "name": "x"}
    span["attributes"] = said if where == "span" else []
    resource = {"attributes": said if where == "resource" else []}
    group = {"resource": resource, "scopeSpans": [{"spans": [span]}]}
    payload = line(resourceSpans=[group])
    assert read("traces", JSON, payload).spans[0].project == project
    assert read("traces", JSON, payload, "key").spans[0].project == "key"


def test_a_partly_valid_export_is_accepted_with_a_complaint(recorded: Path) -> None:
    payload = (recorded / "receiver_edge" / "zero_trace_id.json").read_bytes()
    accepted = check("traces", JSON, payload, None)
    assert (accepted.accepted, accepted.rejected) == (1, 1)
    assert "1 spans without a valid trace" in accepted.error
    assert accepted.kept == payload


def test_the_same_body_gives_the_same_rows(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    folder, entry = entry_of("openinference_openai/tools")
    assert read_entry(folder, entry) == read_entry(folder, entry)


def test_other_log_records_are_dropped_without_a_complaint(read: Read) -> None:
    records = [
        {"eventName": "gen_ai.user.message", "body": {"stringValue": "hi"}},
        {"attributes": [{"key": "event.name", "value": {"stringValue": "claude_code.x"}}]},
        {"body": {"stringValue": "claude_code.user_prompt"}},
        {"body": {"stringValue": "GET /health"}},
    ]
    payload = line(resourceLogs=[{"scopeLogs": [{"logRecords": records}]}])
    accepted = check("logs", JSON, payload, None)
    assert (accepted.accepted, accepted.rejected, accepted.error) == (3, 0, "")
    assert [row.name for row in read("logs", JSON, payload).log_events] == [
        "gen_ai.user.message",
        "claude_code.x",
        "claude_code.user_prompt",
    ]


def test_evaluation_events_become_outcomes(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    batch = read_entry(*entry_of("otel_genai_evaluation/late_mark"))
    success, relevance = batch.outcomes
    assert (success.target_kind, relevance.target_kind) == ("span", "response")
    assert success.target_id in {span.span_id for span in batch.spans}
    assert relevance.target_id in {span.response_id for span in batch.spans}
    assert (success.name, success.success, success.score) == ("task_success", True, 1.0)
    assert (success.label, success.comment) == ("pass", "user confirmed")
    assert (relevance.success, relevance.score, relevance.source) == (None, 4.0, "judge")
    assert len(batch.log_events) == 2


def test_an_evaluation_that_joins_nothing_stays_a_log_event(read: Read) -> None:
    score = [{"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 1}}]
    records = [{"eventName": "gen_ai.evaluation.result", "attributes": score}]
    batch = read("logs", JSON, line(resourceLogs=[{"scopeLogs": [{"logRecords": records}]}]))
    assert (len(batch.log_events), batch.outcomes) == (1, ())


def test_annotations_reach_what_they_speak_of(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    batch = read_entry(*entry_of("openinference_feedback/late_mark"))
    marks = {mark.name: mark for mark in batch.outcomes}
    [answered] = {span.trace_id for span in batch.spans if span.kind == "llm"}
    linked = ("trace", answered)
    assert (marks["guardrail_ok"].target_kind, marks["guardrail_ok"].target_id) == linked
    assert (marks["task_success"].target_kind, marks["task_success"].target_id) == linked
    assert marks["resolved"].target_id == "conv-fb-001"
    assert [marks[name].source for name in ("guardrail_ok", "task_success", "resolved")] == [
        "rule",
        "human",
        "judge",
    ]
    assert (marks["task_success"].success, marks["resolved"].success) == (True, None)


@pytest.mark.parametrize("content_type", NDJSON)
def test_every_name_of_json_lines_is_understood(read: Read, content_type: str) -> None:
    payload = line(id="a", messages=TALK) + b"\r\n" + line(id="b", messages=TALK)
    accepted = check("episodes", content_type, payload, None)
    assert accepted.ids == ("a", "b")
    assert len(read("episodes", content_type, accepted.kept).episodes) == 2


@pytest.mark.parametrize(("faults", "told", "more"), [(1, 1, ""), (5, 5, ""), (6, 5, "and 1 more")])
def test_five_faults_are_told_and_the_rest_counted(faults: int, told: int, more: str) -> None:
    payload = b"{}\n" * faults + line(messages=TALK)
    shown = check("episodes", LINES, payload, None).error.split("\n")
    assert [text.split(":")[0] for text in shown[:told]] == [f"line {n + 1}" for n in range(told)]
    assert shown[told:] == ([more] if more else [])


def test_one_object_is_refused_without_a_line_number() -> None:
    with pytest.raises(Undecodable) as refused:
        check("episodes", JSON, b"{}", None)
    assert "line" not in str(refused.value)


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_an_empty_export_is_accepted_and_reads_as_nothing(read: Read, signal: Signal) -> None:
    for content_type, payload in ((JSON, b"{}"), (PROTOBUF, b"")):
        accepted = check(signal, content_type, payload, None)
        assert (accepted.accepted, accepted.rejected, accepted.error) == (0, 0, "")
        assert read(signal, content_type, accepted.kept) == Batch()


def calls(*names: str) -> bytes:
    """An export of one model call each, all with the same history."""
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
    own = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": said}
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in own.items()]
    spans = [
        {"traceId": TRACE, "spanId": name * 16, "name": name, "attributes": pairs} for name in names
    ]
    return line(resourceSpans=[{"scopeSpans": [{"spans": spans}]}])


def test_a_history_that_calls_repeat_is_one_message(read: Read) -> None:
    batch = read("traces", JSON, calls("a", "b", "c"))
    assert (len(batch.spans), len(batch.messages)) == (3, 1)
    assert {span.input for span in batch.spans} == {(batch.messages[0].hash,)}


def test_the_order_of_spans_changes_no_row(read: Read) -> None:
    first, second = read("traces", JSON, calls("a", "b")), read("traces", JSON, calls("b", "a"))
    assert sorted(span.span_id for span in first.spans) == ["a" * 16, "b" * 16]
    assert set(first.spans) == set(second.spans)
    apart = Batch.union(read("traces", JSON, calls(name)) for name in "ab")
    assert apart.spans == first.spans


def test_a_union_keeps_the_order_and_nothing_is_lost(read: Read) -> None:
    parts = [read("episodes", JSON, line(id=name, messages=TALK)) for name in "abc"]
    whole = Batch.union(parts)
    assert [row.episode_id for row in whole.episodes] == ["a", "b", "c"]
    assert Batch.union([Batch.union(parts[:1]), Batch.union(parts[1:])]) == whole
    assert Batch.union([]) == Batch()


@pytest.mark.parametrize(
    ("content_type", "payload", "cure"),
    [
        (JSON, b'{"messages": []}\n{"messages": []}', "send many as application/x-ndjson"),
        (LINES, b'{"messages": []}{"messages": []}', "lines were joined: .* use `--data-binary`"),
        (LINES, b'{"messages": []', "write one whole object a line"),
    ],
)
def test_what_is_no_json_is_told_how_to_send_many(
    content_type: str, payload: bytes, cure: str
) -> None:
    place = "line 1: " if content_type == LINES else ""
    with pytest.raises(Undecodable, match=f"^{place}no JSON object: .*; {cure}$"):
        check("episodes", content_type, payload, None)
