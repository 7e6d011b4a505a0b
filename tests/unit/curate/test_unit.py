"""The texts that episodes are compared by."""

import json
import re
import unicodedata
from itertools import groupby
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate import unit
from headrace.lake.message import Body
from tests.unit.curate.conftest import WEATHER, result, said, system, user


@pytest.mark.parametrize(
    ("text", "expected"),
    [("  Hello\n\tWORLD ", "hello world"), ("ﬁne ①", "fine 1"), ("ＡＢＣ", "abc"), ("", "")],
)
def test_norm_is_nfkc_lower_case_and_single_spaces(text: str, expected: str) -> None:
    assert unit.norm(text) == expected


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


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_plain_text_are_those_among_other_scripts(text: str) -> None:
    assert unit.words(f"{text} é") == [*unit.words(text), "é"]


@given(st.text("aZé8字 _.-’‘“”–—•→…™½") | st.text())
def test_signs_of_typesetters_part_words_as_those_of_typewriters_do(text: str) -> None:
    assert unit.words(text) == unit.words(f"{text} é")[:-1]


def test_the_request_is_the_user_side_before_the_first_trained_turn() -> None:
    messages = [system(), user("A"), said("inherited"), user("B"), said("own"), user("C")]
    trainable = [False, False, False, False, True, False]
    assert unit.request_text(messages, trainable) == "A\nB"
    assert unit.opening_text(messages) == "A"
    assert unit.request_text(messages[:2], [False, False]) == "A"


@pytest.mark.parametrize(
    ("messages", "asked"),
    [
        ([said("Welcome!"), user("A"), said("own"), user("B")], "A"),
        ([system(), said("Welcome!"), said("How may I help?"), user("A"), said("own")], "A"),
        ([said("Welcome!"), user("A"), user("B")], "A\nB"),
        ([said("Look", ("1", "f", "{}")), result("1", "ok"), user("A")], ""),
        ([said("Welcome!")], ""),
    ],
)
def test_a_greeting_before_any_user_turn_does_not_end_the_request(
    messages: list[Body], asked: str
) -> None:
    trainable = [message["role"] == "assistant" for message in messages]
    assert unit.request_text(messages, trainable) == asked
    assert unit.opening_text(messages) == asked


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


MARK = "\u0315\u0300\u0f73\uff9e"  # two of them are marks only once decomposed


def longest(text: str) -> int:
    """The longest run of marks in a text."""
    return max(len(run) for run in re.split(f"[^{MARK}]", text))


@pytest.mark.parametrize("marks", ["\u0315\u0300", "\u0f73", "\u0300\uff9e"])
def test_no_long_run_of_marks_is_normalised(marks: str) -> None:
    normal = unit.norm("a" + marks * 2_000)
    runs = groupby(normal, lambda char: unicodedata.combining(char) > 0)
    assert max(len(list(run)) for marked, run in runs if marked) <= 2 * unit.MARKS


@settings(max_examples=80, deadline=None)
@given(st.text() | st.text("e字ü " + MARK, max_size=unit.MARKS))
def test_text_without_long_runs_of_marks_is_normalised_as_it_stands(text: str) -> None:
    assert unit.stream_safe(text) == text


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(MARK, min_size=20, max_size=99), max_size=4).map("e".join))
def test_long_runs_of_marks_lose_nothing(text: str) -> None:
    safe = unit.stream_safe(text)
    assert safe.replace("\u034f", "") == text
    assert longest(safe) <= unit.MARKS
    assert unit.stream_safe(safe) == safe


PLAIN = st.text("abc XYZ\t\n.,!", max_size=30)
FEW = settings(max_examples=80, deadline=None)


@FEW
@given(st.text())
def test_norm_leaves_no_white_space_but_single_spaces(text: str) -> None:
    normal = unit.norm(text)
    assert normal.split(" ") == normal.split() or normal == ""
    assert unit.norm(f"\u3000{text}\n\t") == normal


@FEW
@given(PLAIN, PLAIN)
def test_the_keys_of_requests_are_equal_as_their_normal_texts_are(one: str, other: str) -> None:
    same = unit.norm(one) == unit.norm(other)
    assert (unit.request_hash(one) == unit.request_hash(other)) == same
    assert unit.request_hash(one.swapcase().replace(" ", "\n ")) == unit.request_hash(one)


@FEW
@given(st.text(), st.text())
def test_words_of_two_texts_are_the_words_of_both(one: str, other: str) -> None:
    assert unit.words(f"{one}\n{other}") == unit.words(one) + unit.words(other)


@FEW
@given(st.text("abc, 12字", max_size=20))
def test_a_word_has_neither_space_nor_sign_and_an_ideograph_is_one(text: str) -> None:
    words = unit.words(text)
    assert all(word.isalnum() for word in words)
    assert "".join(words) == "".join(c for c in unit.norm(text) if c.isalnum())
    assert all(word == "字" or "字" not in word for word in words)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@FEW
@given(st.dictionaries(st.text(), VALUES, max_size=4), st.integers(0, 9))
def test_arguments_are_equal_whatever_their_key_order_and_spaces(
    given: dict[str, object], seed: int
) -> None:
    names = list(given)
    Random(seed).shuffle(names)
    turned = json.dumps({name: given[name] for name in names}, indent=2, ensure_ascii=False)
    plain = unit.arguments(json.dumps(given))
    assert unit.arguments(turned) == plain
    assert json.loads(plain) == given
    assert unit.arguments(plain) == plain


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        (" {broken ", "{broken"),
        ("NaN", "NaN"),
        ('{"a": Infinity}', '{"a": Infinity}'),
        ("[" * 100_000, "[" * 100_000),
        ('{"a":1,"a":2}', '{"a":2}'),
        ("null", "null"),
    ],
)
def test_arguments_that_are_no_json_are_compared_as_text(text: str, kept: str) -> None:
    assert unit.arguments(text) == kept


def test_the_keys_of_one_text_as_request_and_as_context_differ() -> None:
    texts = unit.request_hash("x"), unit.transcript_hash([user("x")]), unit.context_hash([], None)
    assert len(set(texts)) == 3


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ([user("Hi"), said("Hello")], True),
        ([user(" HI"), said("hello\n")], True),
        ([system("Other"), user("Hi"), system("Late"), said("Hello")], True),
        ([user("Hi"), {**said("Hello"), "reasoning_content": "hm"}], True),
        ([said("Hello"), user("Hi")], False),
        ([user("Hi")], False),
        ([user("Hi"), user("Hello")], False),
        ([user("Hi"), said("Hello", ("1", "f", "{}"))], False),
        ([user("Hi Hello"), said("")], False),
    ],
)
def test_a_transcript_is_who_said_what_in_which_order(changed: list[Body], same: bool) -> None:
    own = unit.transcript_hash([system(), user("Hi"), said("Hello")])
    assert (unit.transcript_hash(changed) == own) is same


def test_the_keys_of_texts_are_for_ever() -> None:
    """They are stored: a change of the norm needs a new name for it, or nothing matches again."""
    assert unit.NORM == "norm/1"
    assert unit.request_hash("Refund  MY order") == "d606e7350a3498506c513a1860ed297f"
    assert (
        unit.transcript_hash([user("Hi"), said(None, ("1", "f", '{"a": 1}'))])
        == "1b7ad6a8e48bf50988e3d41c9a5ac411"
    )
    assert (
        unit.context_hash([system(), user("Hi")], [WEATHER]) == "942c9bf4a8711b9d89998bbf65e8372e"
    )
