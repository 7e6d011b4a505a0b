"""JSON inside strings: read, or refused, never a crash."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.jsontext import (
    DEPTH,
    clean,
    cleaned,
    dumped,
    parse,
    value_of,
    whole,
    written,
)
from headrace.lake.message import dump


def test_values_are_read_up_to_a_depth() -> None:
    assert parse("[" * DEPTH + "]" * DEPTH) is not None
    assert parse("[" * (DEPTH + 1) + "]" * (DEPTH + 1)) is None
    assert parse('"' + "[" * 500 + '"') == "[" * 500


@pytest.mark.parametrize("text", ["", "{", "[1,]", "[" * 100_000, "9" * 5_000, "tru"])
def test_what_cannot_be_read_is_none(text: str) -> None:
    assert parse(text) is None


def test_numbers_that_json_does_not_know_are_words() -> None:
    assert parse('{"a": NaN, "b": -Infinity}') == {"a": "NaN", "b": "-Infinity"}


def test_only_strings_are_parsed() -> None:
    assert value_of('{"a": 1}') == value_of({"a": 1}) == {"a": 1}
    assert value_of(7) == 7


def test_writing_keeps_order_and_letters() -> None:
    assert written({"b": 1, "a": ["é"]}) == '{"b": 1, "a": ["é"]}'
    with pytest.raises(ValueError, match="JSON compliant"):
        written(float("inf"))


def test_writing_ends_where_python_cannot_follow() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="too deeply"):
        written(value)


@settings(deadline=None)
@given(st.text())
def test_clean_text_fits_utf8_and_whole_text_stays(text: str) -> None:
    assert clean(text) == text
    assert clean("\ud800" + text).encode().startswith("\ufffd".encode())
    assert cleaned({"k\udfff": ["\udc00"]}) == {"k\ufffd": ["\ufffd"]}


@settings(deadline=None)
@given(st.text())
def test_whole_json_stays_and_halves_are_replaced(text: str) -> None:
    payload = json.dumps({"a": text}).encode()
    assert json.loads(whole(payload)) == {"a": text}
    broken = payload[:-2] + b"\\ud83d" + payload[-2:]
    assert json.loads(whole(broken)) == {"a": text + "\ufffd"}


def test_an_escaped_backslash_is_no_escape() -> None:
    payload = rb'{"a": "\\ud800"}'
    assert whole(payload) == payload


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(values)
def test_what_is_written_reads_back_in_the_same_order(value: object) -> None:
    text = written(value)
    assert parse(text) == value
    assert written(parse(text)) == text
    assert cleaned(value) == value


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters()), st.integers(0, 40))
def test_what_is_cleaned_is_clean(text: str, place: int) -> None:
    broken = {text[:place] + "\udbff" + text[place:]: [float("nan"), (text + "\udc00",)]}
    once = cleaned(broken)
    assert cleaned(once) == once
    json.dumps(once, allow_nan=False).encode()
    written(once).encode()


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=40))
def test_whole_is_idempotent_on_any_bytes(noise: bytes) -> None:
    payload = b'{"a": "\\ud800 ' + noise + b'\\udfff"}'
    once = whole(payload)
    assert whole(once) == once
    assert b"\\ufffd" in once


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\uD83D\uDE00", "\U0001f600"),
        (r"\ud83d", "\ufffd"),
        (r"\ude00", "\ufffd"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
    ],
)
def test_halves_of_a_character_are_replaced_and_pairs_kept(escaped: str, read: str) -> None:
    assert json.loads(whole(f'"{escaped}"'.encode())) == read
    assert parse(f'"{escaped}"') == read


@pytest.mark.parametrize(
    "text",
    [
        "123456789012345678901234567890",
        "-9223372036854775809",
        "[1E5, -0, -0.0, 0.1e-400, 123456789.12345678901234567890]",
        '{"a": 1, "b": 2, "a": 3}',
        ' ["\\u00e9\\ud83d\\ude00\\u0000", "\x7f\u2028"] ',
        "1e400",
        '{"deep": [NaN, 1e999]}',
        '"\ud800"',
    ],
    ids=repr,
)
def test_texts_are_read_as_the_standard_library_reads_them(text: str) -> None:
    read = parse(text)
    assert repr(read) == repr(json.loads(text, parse_constant=str))


@given(st.text(st.sampled_from('[]{}",: \\u0daf1eE-+.tnN')) | values.map(json.dumps))
def test_whatever_the_text_one_reader_stands_for_the_other(text: str) -> None:
    try:
        expected = cleaned(json.loads(text, parse_constant=str))
    except ValueError:
        expected = None
    assert repr(cleaned(parse(text))) == repr(expected)


hostile = st.recursive(
    st.none() | st.floats() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(hostile)
def test_what_is_dumped_is_canonical_and_clean(value: object) -> None:
    assert dumped(value) == dump(cleaned(value))
    dumped(value).encode()
