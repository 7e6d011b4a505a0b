import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.message import Message, chars, digest, dump, text_of

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
BODIES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": TEXT},
    optional={"name": TEXT, "reasoning_content": st.none() | TEXT},
)


@given(BODIES)
def test_the_order_of_keys_does_not_change_the_name(body: dict[str, Any]) -> None:
    backwards = dict(reversed(body.items()))
    assert Message.of(body) == Message.of(backwards)


@given(BODIES)
def test_a_key_without_a_value_does_not_change_the_name(body: dict[str, Any]) -> None:
    assert Message.of({**body, "tool_call_id": None}).hash == Message.of(body).hash


@given(BODIES, BODIES)
def test_two_messages_share_a_name_only_when_they_are_equal(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    kept = [{k: v for k, v in body.items() if v is not None} for body in (one, other)]
    assert (Message.of(one).hash == Message.of(other).hash) == (kept[0] == kept[1])


def test_null_content_and_missing_content_are_told_apart_from_text() -> None:
    null = Message.of({"role": "assistant", "content": None})
    text = Message.of({"role": "assistant", "content": "None"})
    assert null.body == '{"content":null,"role":"assistant"}'
    assert null.hash != text.hash


def test_argument_strings_keep_the_order_in_which_the_model_wrote() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"b":1,"a":2}'}}
    body = Message.of({"role": "assistant", "content": None, "tool_calls": [call]}).body
    assert r"{\"b\":1,\"a\":2}" in body


def test_characters_count_text_reasoning_and_calls() -> None:
    call = {"function": {"name": "abc", "arguments": "{}"}}
    body = {
        "role": "assistant",
        "content": "12345",
        "reasoning_content": "67",
        "tool_calls": [call],
    }
    assert chars(body) == 5 + 2 + 3 + 2


def test_the_text_of_parts_leaves_images_out() -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {}}, "this"]
    assert text_of(parts) == "see\nthis"


def test_canonical_json_keeps_letters_of_every_script() -> None:
    assert dump({"z": "ü", "a": "字"}) == '{"a":"字","z":"ü"}'


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"role": "user", "content": "hello"}, "484b0dac5fa5fb2005ed87e696e530d8"),
        ({"content": "h\u00e9 \U0001f389", "role": "user"}, "133cc3abc5d54659b729278fa3e60a30"),
        ({"role": "assistant", "content": None}, "7c24a528f01bdd1581c8b1673c9a476f"),
    ],
)
def test_the_name_of_a_message_is_for_ever(body: dict[str, Any], name: str) -> None:
    """Lakes hold these names: another version that named otherwise would find nothing."""
    assert Message.of(body).hash == name


@given(BODIES)
def test_a_stored_message_reads_back_and_keeps_its_name(body: dict[str, Any]) -> None:
    once = Message.of(body)
    assert Message.of(json.loads(once.body)) == once


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ("a\nb", "a\nb"),
        ([], ""),
        (["a", "b"], "a\nb"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], "a\n"),
        ([{"type": "text", "text": None}, {"type": "text"}, 7, None], ""),
        ([["nested"]], ""),
        ({"b": 1, "a": "x"}, '{"a":"x","b":1}'),
        (0, "0"),
        (False, "false"),
    ],
)
def test_content_of_any_shape_has_a_text(content: object, text: str) -> None:
    assert text_of(content) == text


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"content": None}, 0),
        ({}, 0),
        ({"content": "\U0001f389"}, 1),
        ({"content": "a", "reasoning_content": None, "tool_calls": None}, 1),
        ({"content": [{"type": "text", "text": "abc"}, {"type": "image_url"}]}, 3),
        ({"tool_calls": [{"function": {"name": "f", "arguments": '{"a":1}'}}] * 2}, 16),
    ],
)
def test_characters_are_counted_as_a_model_reads_them(body: dict[str, Any], count: int) -> None:
    assert chars(body) == count


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_no_json_has_no_canonical_form(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dump({"a": [number]})


def test_half_of_a_pair_of_surrogates_has_a_name_of_its_own() -> None:
    assert len({digest(text) for text in ("\ud83c", "\udf89", "\U0001f389", "\ufffd")}) == 4


def test_the_values_of_a_message_are_told_apart_from_their_spelling() -> None:
    bodies: list[dict[str, Any]] = [
        {"role": "user", "content": "1"},
        {"role": "user", "content": 1},
        {"role": "user", "content": ["1"]},
        {"role": "user", "content": "1 "},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "1", "name": ""},
    ]
    assert len({Message.of(body).hash for body in bodies}) == len(bodies)


def plain(value: object) -> str:
    """The definition of canonical JSON, by the standard library."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


ANY_TEXT = st.text(st.characters(exclude_categories=()))  # halves of characters too
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(ANY_JSON)
def test_the_fast_writer_gives_the_bytes_of_the_standard_one(value: object) -> None:
    assert dump(value) == plain(value)


@given(NUMBERS)
def test_numbers_are_written_as_python_writes_them(number: float) -> None:
    assert dump([number]) == f"[{number!r}]"


@pytest.mark.parametrize("edge", [1e-4, 9.999e-5, 1e16, 1e15, 2**53, 5e-324, -0.0], ids=repr)
def test_floats_at_the_edges_of_an_exponent_are_written_as_python_does(edge: float) -> None:
    for number in (edge, -edge, math.nextafter(edge, 0), math.nextafter(edge, math.inf)):
        assert dump({"n": number}) == plain({"n": number})


def test_every_character_is_escaped_as_the_standard_library_does() -> None:
    text = "".join(map(chr, range(0x3000)))
    assert dump(text) == plain(text)
