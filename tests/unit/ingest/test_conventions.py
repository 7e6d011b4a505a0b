"""Recorded spans of every convention that is read, against what the model really saw and said."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import span_row
from headrace.ingest.batch import Batch
from headrace.ingest.conventions import (
    CONVENTIONS,
    Among,
    candidates,
    content_of,
    facts_of,
    kind_of,
)
from headrace.ingest.otlp import decode
from headrace.ingest.span_row import rows
from headrace.ingest.telemetry import EventData, SpanData, moment
from headrace.lake.record import Span

# Their content came over the wire whole, but not in the calls' own spans.
APART = (
    "otel_genai_event/",  # in log records, as with the next three
    "otel_genai_event_json/",
    "otel_genai_legacy_events/",
    "claude_code/",
    "otel_genai_openai_agents/prevresp-withclient",  # the provider keeps the history
    "mlflow_semconv/tools-stream",  # calls of a stream stand in the next call's history alone
)
HERE = Path(__file__).parents[2] / "fixtures" / "otlp"

PROTOBUF = "application/x-protobuf"

ReadEntry = Callable[[Path, Mapping[str, Any]], Batch]
EntryOf = Callable[[str], tuple[Path, Mapping[str, Any]]]


def recorded() -> list[SpanData]:
    """Every recorded span, decoded and no more."""
    bodies = (path.read_bytes() for path in sorted(HERE.glob("*/**/*traces.bin")))
    return [data for body in bodies for data in decode("traces", PROTOBUF, body).spans]


def entries() -> list[tuple[Path, Any]]:
    """Folder and entry of every recording of full quality whose spans hold the content."""
    return [
        (manifest.parent, entry)
        for manifest in sorted(HERE.glob("*/manifest.json"))
        for entry in json.loads(manifest.read_text("utf-8")).get("fixtures", ())
        if entry["expected"]["quality"] == "full" and not entry["id"].startswith(APART)
    ]


def comparable(body: Mapping[str, Any]) -> str:
    """A message as text in which every difference that counts shows."""
    content: Any = body.get("content") or ""
    if isinstance(content, str):
        content = content.replace("\r\n", "\n").strip()
    if body["role"] == "tool":
        content = as_json(content)
    calls = [
        [c["id"], c["function"]["name"], as_json(c["function"]["arguments"])]
        for c in body.get("tool_calls") or []
    ]
    return json.dumps(
        [body["role"], content, sorted(calls, key=str), body.get("tool_call_id")], sort_keys=True
    )


def as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def calls(batch: Batch) -> list[tuple[Span, list[str]]]:
    """The model calls with content, each with its messages."""
    bodies = {message.hash: json.loads(message.body) for message in batch.messages}
    return [
        (span, [comparable(bodies[name]) for name in span.input + span.output])
        for span in batch.spans
        if span.kind == "llm" and span.input
    ]


def told(expected: Mapping[str, Any]) -> list[list[str]]:
    """The messages of each expected episode up to the last one that a model saw or said."""
    episodes = [[comparable(body) for body in e["messages"]] for e in expected["episodes"]]
    for messages in episodes:
        while messages and messages[-1].startswith('["tool"'):
            messages.pop()
    return episodes


def agrees(batch: Batch, expected: Mapping[str, Any]) -> None:
    episodes, found = told(expected), calls(batch)
    for _, messages in found:
        assert any(messages == episode[: len(messages)] for episode in episodes)
    for episode in episodes:
        assert episode in [messages for _, messages in found]
    counted = all(e["carried"].get("usage", True) for e in expected["episodes"])
    for field, column in (("input", "input_tokens"), ("output", "output_tokens")) * counted:
        spent = sum(e["usage"][field] or 0 for e in expected["episodes"] if e["usage"])
        assert sum(getattr(span, column) or 0 for span, _ in found) == spent
    names = {tool["function"]["name"] for e in expected["episodes"] for tool in e["tools"]}
    if all(e["carried"].get("tools", True) for e in expected["episodes"]):
        sets = [tool for toolset in batch.toolsets for tool in json.loads(toolset.body)]
        assert {tool["function"]["name"] for tool in sets} == names


@pytest.mark.parametrize(
    ("folder", "entry"),
    entries(),
    ids=lambda v: "" if isinstance(v, Path) else str(v["id"]),
)
def test_every_recorded_call_is_a_prefix_of_its_episode(
    folder: Path, entry: Mapping[str, Any], read_entry: ReadEntry
) -> None:
    batch = read_entry(folder, entry)
    assert len(batch.spans) == entry["n_spans"]
    agrees(batch, entry["expected"])


def test_a_failed_call_keeps_its_input_and_the_providers_words(
    read_entry: ReadEntry, entry_of: EntryOf
) -> None:
    for name in ("openinference_openai/error", "otel_genai_span/error"):
        [(span, messages)] = calls(read_entry(*entry_of(name)))
        assert span.status == "error"
        assert "Invalid request: the stub was asked to fail" in str(span.error)
        assert (len(messages), span.output) == (1, ())


def test_aliases_fill_the_columns(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    for name in ("openinference_openai/tools-stream", "otel_genai_span/tools-stream"):
        folder, entry = entry_of(name)
        [episode] = entry["expected"]["episodes"]
        spans = [span for span, _ in calls(read_entry(folder, entry))]
        assert {span.provider for span in spans} == {"openai"}
        assert {span.model for span in spans} == {episode["model"]}
        assert {span.service for span in spans} == {"demo-agent"}
        assert {span.release for span in spans} == {"1.0.0"}
        assert {span.response_id for span in spans} == set(episode["response_ids"])
        assert all(span.ttft_ms is not None and span.ttft_ms > 0 for span in spans)
        assert sorted(str(span.finish_reason) for span in spans) == [
            "stop",
            "tool_calls",
            "tool_calls",
        ]


def test_conversation_and_agent_are_read(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    for name in ("openinference_openai/conversation", "otel_genai_span/conversation"):
        batch = read_entry(*entry_of(name))
        assert {span.conversation_id for span, _ in calls(batch)} == {"conv-ada-001"}
        assert {span.agent for span in batch.spans if span.kind == "agent"} == {"companion"}


def test_a_tool_span_is_the_call_and_its_answer(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    for name in ("openinference_openai/tools", "otel_genai_span/tools"):
        batch = read_entry(*entry_of(name))
        bodies = {message.hash: json.loads(message.body) for message in batch.messages}
        runs = [span for span in batch.spans if span.kind == "tool"]
        answers = {bodies[span.output[0]]["tool_call_id"]: span for span in runs}
        assert set(answers) == {"call_w_paris_1", "call_w_tokyo_1", "call_conv_1"}
        [asked] = bodies[answers["call_conv_1"].input[0]]["tool_calls"]
        assert asked["function"] == {
            "name": "convert_temperature",
            "arguments": '{"celsius": 14}',
        }
        assert bodies[answers["call_conv_1"].output[0]]["content"] == '{"fahrenheit": 57.2}'


def test_hidden_content_is_said_not_guessed(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    batch = read_entry(*entry_of("openinference_openai/tools-hidden"))
    hidden = [span for span in batch.spans if span.kind == "llm"]
    assert {span.defects for span in hidden} == {("content_hidden", "no_content")}
    assert all(not span.input and not span.output and span.input_tokens for span in hidden)


def test_calls_without_captured_content_say_so(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    batch = read_entry(*entry_of("otel_genai_nocontent/tools"))
    silent = [span for span in batch.spans if span.kind == "llm"]
    assert len(silent) == 3
    assert {(span.convention, span.defects) for span in silent} == {("gen_ai", ("no_content",))}


def test_evicted_attributes_are_proven_by_the_gap(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    batch = read_entry(*entry_of("openinference_openai/tools-maxattrs"))
    lost = [span for span in batch.spans if "dropped_attributes" in span.defects]
    assert len(lost) == 2
    assert all("llm.input_messages" in span.attributes for span in lost)


def test_a_cut_value_is_a_defect_and_stays_readable(
    read_entry: ReadEntry, entry_of: EntryOf
) -> None:
    batch = read_entry(*entry_of("otel_genai_span/tools-truncated"))
    cut = [span for span in batch.spans if span.kind == "llm"]
    assert all("truncated_value" in span.defects for span in cut)
    assert all("gen_ai.tool.definitions" in span.attributes for span in cut)


def test_messages_that_were_read_are_stored_once(read_entry: ReadEntry, entry_of: EntryOf) -> None:
    for name in ("openinference_openai/tools", "otel_genai_span/tools"):
        for span, _ in calls(read_entry(*entry_of(name))):
            assert "weather agent" not in span.attributes


def test_a_convention_is_found_by_its_keys() -> None:
    names = [convention.name for convention in CONVENTIONS]
    assert names.index("openinference") < names.index("ai_sdk") < names.index("gen_ai")
    assert len(set(names)) == len(names)
    assert kind_of(span({"openinference.span.kind": "RETRIEVER"})) == ("other", "openinference")
    assert kind_of(span({"openinference.span.kind": "AGENT"})) == ("agent", "openinference")
    assert kind_of(span({"llm.input_messages.0.message.role": "user"}))[0] == "llm"
    assert kind_of(span({"gen_ai.operation.name": "invoke_workflow"})) == ("agent", "gen_ai")
    assert kind_of(span({"gen_ai.operation.name": "embeddings"})) == ("other", "gen_ai")
    assert kind_of(span({"gen_ai.prompt.0.role": "user"})) == ("llm", "prompt_n")
    assert kind_of(span({"http.route": "/chat"})) == ("other", "none")


def test_who_is_not_asked_has_nothing_to_say() -> None:
    for data in recorded():
        among = candidates(data)
        assert kind_of(data, among) == kind_of(data)
        assert content_of(data, among) == content_of(data)
        assert facts_of(data, among) == facts_of(data)
    assert candidates(span({"http.route": "/chat", "gen_aix": 1})) == Among.of([])


def test_an_unknown_span_is_kept_without_meaning(now: Any) -> None:
    kept = rows(span({"http.route": "/chat", "n": 3}), project="p", received_at=now).span
    assert (kept.kind, kept.convention, kept.defects) == ("other", "none", ())
    assert json.loads(kept.attributes) == {"http.route": "/chat", "n": 3}


def test_two_families_on_one_span_give_the_one_with_messages() -> None:
    both = span(
        {
            "openinference.span.kind": "LLM",
            "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
        }
    )
    found = content_of(both)
    assert found is not None
    assert (found[1], len(found[0].input)) == ("gen_ai", 1)


def test_a_raw_body_with_fewer_messages_gives_way_to_the_flattened_form(now: Any) -> None:
    short = span(
        {
            "openinference.span.kind": "LLM",
            "input.value": '{"messages":[{"role":"user","content":"raw"}]}',
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "be kind",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.content": "flat",
        }
    )
    said = [json.loads(m.body) for m in rows(short, project="p", received_at=now).messages]
    assert [body["content"] for body in said] == ["be kind", "flat"]


def test_a_number_in_a_key_is_never_an_index(now: Any) -> None:
    hostile = span(
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.4294967295.message.role": "user",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
        }
    )
    assert len(rows(hostile, project="p", received_at=now).messages) == 1


def test_deep_json_in_an_attribute_is_a_defect_not_a_crash(now: Any) -> None:
    for text in ("[" * 20_000, '{"a":' * 900 + "1" + "}" * 900):
        deep = span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": text})
        kept = rows(deep, project="p", received_at=now).span
        assert "truncated_value" in kept.defects


def test_messages_of_no_known_shape_are_a_defect(now: Any) -> None:
    odd = span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role":"alien"}]'})
    kept = rows(odd, project="p", received_at=now).span
    assert kept.defects == ("unreadable_messages",)
    assert "alien" in kept.attributes


def test_instructions_of_any_shape_become_the_system_message(now: Any) -> None:
    user = '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'
    for system in (
        '[{"type":"text","content":"be"},{"type":"text","content":"kind"}]',
        '[{"role":"system","parts":[{"type":"text","content":"be"},"kind"]}]',
    ):
        own = {
            "gen_ai.operation.name": "chat",
            "gen_ai.system_instructions": system,
            "gen_ai.input.messages": user,
        }
        said = [json.loads(m.body) for m in rows(span(own), project="p", received_at=now).messages]
        assert [(b["role"], b["content"]) for b in said] == [("system", "be\nkind"), ("user", "hi")]


def test_only_the_first_of_several_choices_is_the_output(now: Any) -> None:
    output = '[{"role":"assistant","parts":[{"type":"text","content":"%s"}]}'
    own: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": output % "one" + "," + (output % "two")[1:] + "]",
    }
    choices = rows(
        span({**own, "gen_ai.request.choice.count": 2}), project="p", received_at=now
    ).messages
    items = rows(span(own), project="p", received_at=now).messages
    assert [json.loads(m.body)["content"] for m in choices] == ["one"]
    assert [json.loads(m.body)["content"] for m in items] == ["one\ntwo"]


def test_what_no_convention_reads_is_stored_whole(now: Any) -> None:
    """A history of ten thousand messages, for a later release to read."""
    body = "x" * 10_000_000
    big = rows(span({"api_request_body": body, "small": "y"}), project="p", received_at=now)
    stored = json.loads(big.span.attributes)
    assert (stored["small"], stored["api_request_body"] == body) == ("y", True)


def test_large_attributes_give_way_to_their_length(
    now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_row, "STORED_CHARS", 1000)
    big = rows(span({"dump": "x" * 2000, "small": "y"}), project="p", received_at=now)
    stored = json.loads(big.span.attributes)
    assert stored["small"] == "y"
    assert stored["dump"] == "[cut: 2002 characters]"


def test_cost_is_decimal_and_nonsense_is_absent(now: Any) -> None:
    own = {"openinference.span.kind": "LLM", "llm.cost.total": 0.1, "llm.token_count.prompt": "x"}
    kept = rows(span(own), project="p", received_at=now).span
    assert kept.cost_usd == Decimal("0.1")
    assert (kept.input_tokens, kept.output_tokens, kept.ttft_ms) == (None, None, None)


def test_the_first_token_may_be_an_event(now: Any) -> None:
    first = EventData(name="First Token Stream Event", at=moment(1_250 * 10**6), attributes={})
    streamed = span({"openinference.span.kind": "LLM"}, events=(first,))
    assert rows(streamed, project="p", received_at=now).span.ttft_ms == 250.0


def span(attributes: Mapping[str, object], events: tuple[EventData, ...] = ()) -> SpanData:
    return SpanData(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_span_id=None,
        name="call",
        started_at=moment(10**9),
        ended_at=moment(2 * 10**9),
        status="unset",
        status_message="",
        attributes=attributes,
        events=events,
        links=(),
        resource={},
        scope="test",
        dropped=0,
    )
