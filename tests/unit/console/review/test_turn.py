"""Messages as a reviewer reads them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.console.review.turn import END, HEAD, Turn, last_said, turns
from headrace.lake.message import Body


def one(body: Body) -> Turn:
    [found] = turns([body])
    return found


def called(arguments: str, name: str = "pay") -> Body:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("system", "SYSTEM"), ("developer", "SYSTEM"), ("user", "USER"), ("assistant", "AGENT"),
        ("tool", "TOOL"), ("critic", "CRITIC"),
    ],
)  # fmt: skip
def test_roles_are_told_in_words(role: str, title: str) -> None:
    assert one({"role": role, "content": "x"}).title == title


def test_arguments_stand_on_lines_of_their_own() -> None:
    assert one(called('{"to":"ann","sum":{"eur":3}}')).body == (
        '→ pay {\n  "to": "ann",\n  "sum": {\n    "eur": 3\n  }\n}'
    )
    assert one(called("{}")).body == "→ pay "
    assert one(called('{"to": "an')).body == '→ pay {"to": "an'


def test_a_result_is_named_by_its_call() -> None:
    _, result = turns([called("{}"), {"role": "tool", "tool_call_id": "c1", "content": "ok"}])
    assert result.title == "TOOL pay"


def test_thoughts_and_parts_that_are_no_text_are_told() -> None:
    parts: list[Any] = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {}}]
    assert one({"role": "user", "content": parts}).body == "see\n[image_url not shown]"
    thinking = one({"role": "assistant", "content": "4", "reasoning_content": "2 + 2"})
    assert thinking.body == "(thinks) 2 + 2\n4"
    assert one({"role": "assistant", "content": None}).body == "(nothing)"


def test_a_long_result_is_folded_and_says_how_much_there_is() -> None:
    text = "\n".join(f"row {i}" for i in range(100))
    found = one({"role": "tool", "content": text})
    assert found.folded == "row 0\nrow 1\nrow 2\nrow 3\nrow 4\nrow 5\n" + (
        f"▸ 94 lines more, {len(text)} characters in all"
    )
    assert found.body == text


def test_what_is_little_longer_is_not_folded() -> None:
    assert one({"role": "tool", "content": "x\n" * 8}).folded is None
    assert one({"role": "user", "content": "x\n" * 50}).folded is None


def test_of_ten_megabytes_beginning_and_end_are_shown() -> None:
    found = one({"role": "tool", "content": "a" * 10_000_000 + "end"})
    assert len(found.body) < HEAD + END + 100
    assert found.body.endswith("aend")
    assert "[... 9,978,003 characters are not shown ...]" in found.body
    assert found.folded is not None and "10,000,003 characters in all" in found.folded
    assert len(found.folded) < 700


def test_the_last_words_of_the_assistant_are_those_to_correct() -> None:
    said: list[Body] = [
        {"role": "assistant", "content": "first"},
        {"role": "user", "content": "no"},
        {"role": "assistant", "content": "second"},
        {"role": "assistant", "content": " "},
        called("{}"),
        {"role": "user", "content": "thanks"},
    ]
    assert last_said(said) == "second"
    assert last_said(said[1:2]) == ""


@given(st.text(), st.text(), st.text())
def test_whatever_is_said_no_control_gets_through(content: str, name: str, text: str) -> None:
    spoken: list[Body] = [
        {**called(json.dumps({text: content}), name), "content": content},
        {"role": "tool", "tool_call_id": "c1", "content": text, "name": name},
        {"role": name, "content": content},
    ]
    shown = "".join(f"{t.title}{t.body}{t.folded}" for t in turns(spoken))
    assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 for c in shown)
