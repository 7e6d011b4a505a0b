"""The texts that episodes are compared by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate import unit
from tests.unit.curate.conftest import WEATHER, result, said, system, user


@pytest.mark.parametrize(
    ("text", "expected"),
    [("  Hello\n\tWORLD ", "hello world"), ("ﬁne ①", "fine 1"), ("ＡＢＣ", "abc"), ("", "")],
)
def test_norm_is_nfkc_lower_case_and_single_spaces(text: str, expected: str) -> None:
    assert unit.norm(text) == expected


@given(st.text())
def test_norm_done_twice_changes_nothing_more(text: str) -> None:
    once = unit.norm(text)
    assert " ".join(once.split()) == once
    assert unit.words(once) == unit.words(text) or unit.norm(once) != once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, please!", ["don", "t", "stop", "please"]),
        ("去東京 now", ["去", "東", "京", "now"]),
        ("order #A-17", ["order", "a", "17"]),
    ],
)
def test_words_have_no_punctuation(text: str, expected: list[str]) -> None:
    assert unit.words(text) == expected


def test_the_request_is_the_user_side_before_the_first_trained_turn() -> None:
    messages = [system(), user("A"), said("inherited"), user("B"), said("own"), user("C")]
    trainable = [False, False, False, False, True, False]
    assert unit.request_text(messages, trainable) == "A\nB"
    assert unit.opening_text(messages) == "A"
    assert unit.request_text(messages[:2], [False, False]) == "A"


def test_a_request_without_words_has_no_key() -> None:
    assert unit.request_hash(" \n") is None
    assert unit.request_hash("Hi") == unit.request_hash(" hi ")


def test_the_transcript_holds_calls_and_results_but_no_system_prompt() -> None:
    call = said(None, ("1", "f", '{"a": 1, "b": true}'))
    same = [system("Other"), user("hi"), said(None, ("9", "f", '{"b":true,"a":1}'))]
    assert unit.transcript_hash([system(), user("Hi"), call]) == unit.transcript_hash(same)
    off = said(None, ("1", "f", '{"a": 1, "b": false}'))
    assert unit.transcript_hash([user("Hi"), call]) != unit.transcript_hash([user("Hi"), off])
    with_result = [user("Hi"), call, result("1", "ok")]
    assert unit.transcript_hash(with_result) != unit.transcript_hash([user("Hi"), call])


def test_a_transcript_in_which_nothing_was_said_has_no_key() -> None:
    assert unit.transcript_hash([system("Long prompt")]) is None


def test_the_context_is_prompt_and_tools_in_any_order() -> None:
    other = {"type": "function", "function": {"name": "other", "parameters": {}}}
    one = unit.context_hash([system(), user("Hi")], [WEATHER, other])
    assert one == unit.context_hash([system(), user("Ho")], [other, WEATHER])
    assert one != unit.context_hash([system("x"), user("Hi")], [WEATHER, other])
    assert one != unit.context_hash([system(), user("Hi")], None)
