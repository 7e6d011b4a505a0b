from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.message import Message, chars, dump, text_of

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
