"""Flattened `gen_ai.prompt.N.*`."""

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

OWN = {
    "gen_ai.prompt.0.role": "user",
    "gen_ai.prompt.0.content": "hi",
    "gen_ai.prompt.1.role": "assistant",
    "gen_ai.prompt.1.tool_calls.0.id": "c1",
    "gen_ai.prompt.1.tool_calls.0.name": "f",
    "gen_ai.prompt.1.tool_calls.0.arguments": '{"a":1}',
    "gen_ai.prompt.2.role": "tool",
    "gen_ai.prompt.2.tool_call_id": "c1",
    "gen_ai.prompt.2.content": "2",
    "gen_ai.completion.0.content": "two",
    "gen_ai.completion.0.finish_reason": "length",
    "gen_ai.completion.1.content": "deux",
    "llm.request.functions.0.name": "f",
    "llm.request.functions.0.parameters": '{"type": "object"}',
}


def test_messages_tools_and_the_first_choice_are_read_and_stored_once() -> None:
    made = read(span({**OWN, "gen_ai.prompt.variable.city": "Paris"}))
    assert [role for role, _ in made.said] == ["user", "assistant", "tool"]
    assert [body["content"] for body in made.output] == ["two"]
    assert (made.tools, made.span.finish_reason) == (["f"], "length")
    assert made.kept == {"gen_ai.prompt.variable.city": "Paris"}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("gen_ai.prompt.7.content", "llm"), ("gen_ai.completion.0.role", "llm"),
        ("gen_ai.prompt.variable.city", "other"), ("gen_ai.completion.1.role", "other"),
        ("gen_ai.prompt", "other"),
    ],
)  # fmt: skip
def test_one_message_key_marks_a_call_and_a_prompt_variable_does_not(key: str, kind: str) -> None:
    assert kind_of(span({key: "x"}))[0] == kind


def test_content_may_be_parts_as_json_and_a_text_in_brackets_stays_text() -> None:
    parts = '[{"type": "text", "text": "look"}]'
    made = read(span({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": parts}))
    assert made.said == [("user", "look")]
    made = read(span({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "[1, 2]"}))
    assert made.said == [("user", "[1, 2]")]


@pytest.mark.parametrize(
    "lost", ["gen_ai.prompt.0.role", "gen_ai.prompt.1.role", "gen_ai.prompt.2.role"]
)
def test_a_message_without_its_role_proves_a_loss(lost: str) -> None:
    own = {key: value for key, value in OWN.items() if key != lost}
    assert "dropped_attributes" in read(span(own)).span.defects


def test_a_gap_or_nothing_at_all_proves_a_loss() -> None:
    late = {"gen_ai.prompt.3.role": "user", "gen_ai.prompt.3.content": "hi"}
    assert "dropped_attributes" in read(span(late)).span.defects
    assert "dropped_attributes" in read(span({"gen_ai.completion.0.content": "hi"})).span.defects
