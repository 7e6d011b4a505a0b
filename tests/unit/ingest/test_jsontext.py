"""JSON inside strings: read, or refused, never a crash."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.jsontext import DEPTH, clean, cleaned, parse, value_of, whole, written


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
