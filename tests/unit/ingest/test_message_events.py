"""Messages in events: of spans, of log records, and in a JSON attribute."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import message_events
from headrace.ingest.conventions.message_events import Event
from tests.spans import read, span

CHAT = {"gen_ai.operation.name": "chat"}


def event(name: str, **body: Any) -> Event:
    return Event(name=f"gen_ai.{name}", attributes={}, body=body)


def test_bodies_are_messages_and_the_first_choice_is_the_answer() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = message_events.of_messages(
        [
            event("system.message", content="be kind"),
            event("user.message", content="hi"),
            event("assistant.message", tool_calls=[call]),
            event("tool.message", id="c1", content="2"),
            event("choice", index=1, finish_reason="stop", message={"content": "deux"}),
            event("choice", index=0, finish_reason="length", message={"content": "two"}),
            event("something.else", content="x"),
        ]
    )
    assert found is not None
    assert [body["role"] for body in found.input] == ["system", "user", "assistant", "tool"]
    assert ([body["content"] for body in found.output], found.finish) == (["two"], "length")


def test_without_a_choice_the_last_assistant_turns_are_the_answer() -> None:
    said = [event("user.message", content="hi"), event("assistant.message", content="yes")]
    found = message_events.of_messages(said)
    assert found is not None
    assert [len(found.input), len(found.output)] == [1, 1]
    assert message_events.of_messages([]) is None


def test_blocks_of_converse_come_as_json_in_attributes_of_span_events() -> None:
    blocks = [{"text": "Let me see."}, {"toolUse": {"toolUseId": "c1", "name": "f", "input": {}}}]
    events = {
        "gen_ai.user.message": {"content": '[{"text": "hi"}]'},
        "gen_ai.choice": {"message": json.dumps(blocks), "finish_reason": "tool_use"},
    }
    made = read(span(CHAT, events=events))
    assert (made.said, made.span.convention) == ([("user", "hi")], "gen_ai_message_events")
    assert made.output[0]["tool_calls"][0]["id"] == "c1"


def test_a_text_that_only_looks_like_blocks_stays_text() -> None:
    for text in ("[1, 2]", "[]", '[{"x": 1}]', "[cut"):
        made = read(span(CHAT, events={"gen_ai.user.message": {"content": text}}))
        assert made.said == [("user", text)]


def test_azure_tells_the_body_as_json_in_one_attribute() -> None:
    events = {
        "gen_ai.user.message": {"gen_ai.event.content": '{"role": "user", "content": "hi"}'},
        "gen_ai.choice": {"gen_ai.event.content": '{"message": {"content": "yes"}, "index": 0}'},
    }
    made = read(span(CHAT, events=events))
    assert (made.said, made.output[0]["content"]) == ([("user", "hi")], "yes")


def test_a_tool_run_of_strands_tells_both_sides_in_events() -> None:
    events = {
        "gen_ai.tool.message": {"role": "tool", "content": '{"a": 1}', "id": "c1"},
        "gen_ai.choice": {"message": '[{"text": "fine"}]', "id": "c1"},
    }
    own = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}
    made = read(span(own, events=events))
    assert made.input[0]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'
    assert made.output[0]["content"] == "fine"


def test_attributes_of_several_detail_events_are_united() -> None:
    name, part = (
        message_events.DETAILS,
        '[{"role": "%s", "parts": [{"type": "text", "content": "x"}]}]',
    )
    found = message_events.of_details(
        [
            Event(name=name, attributes={"gen_ai.input.messages": part % "user"}),
            Event(name=name, attributes={}, body={"gen_ai.output.messages": part % "assistant"}),
            Event(name="other", attributes={"gen_ai.input.messages": "[]"}),
        ]
    )
    assert found is not None
    assert [len(found.input), len(found.output)] == [1, 1]


@pytest.mark.parametrize("events", ["cut [", "{}", 7, "[7]", '[{"event.name": 7}]', "[]"])
def test_an_attribute_without_events_says_nothing(events: Any) -> None:
    assert read(span({**CHAT, "events": events})).span.defects == ("no_content",)
