"""OTel GenAI up to 1.27: prompt and completion in one event each."""

import json
from typing import Any

import pytest

from tests.spans import read, span

CHAT = {"gen_ai.operation.name": "chat"}
HI, YES = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}


def events(prompt: Any, completion: Any) -> dict[str, dict[str, object]]:
    return {
        "gen_ai.content.prompt": {"gen_ai.prompt": prompt},
        "gen_ai.content.completion": {"gen_ai.completion": completion},
    }


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        (json.dumps([HI]), json.dumps([YES])), (json.dumps({"messages": [HI]}), json.dumps(YES)),
        ("hi", "yes"), (json.dumps([HI]), json.dumps({"choices": [{"message": YES}]})),
    ],
)  # fmt: skip
def test_messages_an_api_body_or_text(prompt: str, completion: str) -> None:
    made = read(span(CHAT, events=events(prompt, completion)))
    assert (made.said, made.output[0]["content"]) == ([("user", "hi")], "yes")
    assert made.span.convention == "gen_ai_content_events"


def test_what_was_cut_is_a_defect_and_stays_in_the_events() -> None:
    made = read(span(CHAT, events=events('[{"role', "yes")))
    assert (made.span.defects, made.said) == (("truncated_value",), [])
    assert "role" in made.span.events


def test_several_answers_give_the_first() -> None:
    made = read(span(CHAT, events=events("hi", json.dumps([YES, {**YES, "content": "oui"}]))))
    assert [body["content"] for body in made.output] == ["yes"]
