"""OpenInference: flattened keys, raw bodies of every API, and which of the two is believed."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.conventions import kind_of, openinference
from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.numbered import grouped
from headrace.ingest.messages import canonical
from headrace.ingest.telemetry import SpanData
from headrace.lake.message import Body

BARE = SpanData(
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id=None,
    name="call",
    started_at=None,
    ended_at=None,
    status="unset",
    status_message="",
    attributes={},
    events=(),
    links=(),
    resource={},
    scope="",
    dropped=0,
)


def span(own: Mapping[str, object]) -> SpanData:
    return msgspec.structs.replace(BARE, attributes=own)


def content(own: Mapping[str, object]) -> Content:
    found = openinference.content(span({"openinference.span.kind": "LLM", **own}))
    assert found is not None
    return found


def flat(*messages: Mapping[str, object], side: str = "input") -> dict[str, object]:
    return {
        f"llm.{side}_messages.{n}.message.{key}": value
        for n, message in enumerate(messages)
        for key, value in message.items()
    }


def asked(body: Any, **own: object) -> list[Body]:
    return canonical(content({"input.value": json.dumps(body), **own}).input)


def told(body: Any, **own: object) -> list[Body]:
    return canonical(content({"output.value": json.dumps(body), **own}).output)


USER = {"role": "user", "content": "hi"}
HI = [{"role": "user", "content": "hi"}]
KIND_SYSTEM = {"role": "system", "content": "be kind"}


@pytest.mark.parametrize(
    ("marked", "kind"),
    [
        ("LLM", "llm"), ("llm", "llm"), ("AGENT", "agent"), ("TOOL", "tool"),
        ("CHAIN", "other"), ("RETRIEVER", "other"), ("RERANKER", "other"), ("EMBEDDING", "other"),
        ("GUARDRAIL", "other"), ("EVALUATOR", "other"), ("PROMPT", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_a_marked_kind_goes_before_any_other_key(marked: str, kind: str) -> None:
    own = {"openinference.span.kind": marked, "gen_ai.operation.name": "chat"}
    assert kind_of(span({**own, **flat(USER)})) == (kind, "openinference")


@pytest.mark.parametrize("kind", ["TOOL", "AGENT", "CHAIN"])
def test_only_a_model_call_has_messages(kind: str) -> None:
    assert openinference.content(span({"openinference.span.kind": kind, **flat(USER)})) is None


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [KIND_SYSTEM, USER]},
        {"system": "be kind", "messages": [USER]},
        {"system": [{"type": "text", "text": "be kind"}], "messages": [USER]},
        {"instructions": "be kind", "input": "hi"},
        {"instructions": "be kind", "input": [USER]},
        {"instructions": "be kind", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]},
    ],
    ids=["chat", "anthropic", "blocks", "responses", "items", "parts"],
)  # fmt: skip
def test_a_raw_request_of_every_api_is_read(body: Any) -> None:
    assert asked(body) == [KIND_SYSTEM, *HI]


def test_bare_items_have_their_instructions_in_the_parameters() -> None:
    given_parameters = json.dumps({"instructions": "be kind", "n": None})
    own = {"llm.invocation_parameters": given_parameters}
    assert asked([USER], **own) == [KIND_SYSTEM, *HI]


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"role": "assistant", "content": "yes"}, "index": 0}]},
        {"choices": [{"message": {"role": "assistant", "content": "yes"}},
                     {"message": {"role": "assistant", "content": "no"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "yes"}], "stop_reason": "end"},
        {"output": [{"type": "message", "role": "assistant",
                     "content": [{"type": "output_text", "text": "yes"}]}]},
        {"output": [{"type": "reasoning", "summary": []},
                    {"type": "message", "role": "assistant", "content": "yes"}]},
    ],
    ids=["chat", "choices", "anthropic", "responses", "reasoned"],
)  # fmt: skip
def test_a_raw_answer_of_every_api_is_read(body: Any) -> None:
    assert told(body) == [{"role": "assistant", "content": "yes"}]


@pytest.mark.parametrize(
    "body",
    [
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": {"0": 1}},
        {"output": "yes"},
        {"content": "yes", "role": "assistant"},
        {"content": [{"type": "text", "text": "a prompt"}], "role": "user"},
        ["yes"],
    ],
)
def test_an_answer_of_another_shape_gives_way_to_the_flattened_form(body: Any) -> None:
    flattened = flat({"role": "assistant", "content": "flat"}, side="output")
    assert told(body, **flattened) == [{"role": "assistant", "content": "flat"}]


@pytest.mark.parametrize(
    ("raw", "messages", "taken"),
    [
        ([USER], [USER], "raw"),  # as many: the raw body has what flattening loses
        ([USER, USER], [USER], "raw"),
        ([USER], [USER, USER], "flat"),
        ([], [USER], "flat"),
    ],
)
def test_the_raw_body_is_used_where_it_holds_at_least_as_many_messages(
    raw: list[Body], messages: list[Body], taken: str
) -> None:
    named = {
        "raw": [{**message, "content": "raw"} for message in raw],
        "flat": [{**message, "content": "flat"} for message in messages],
    }
    found = content({"input.value": json.dumps({"messages": named["raw"]}), **flat(*named["flat"])})
    assert canonical(found.input) == named[taken]


CALL = {
    "tool_calls.0.tool_call.id": "c",
    "tool_calls.0.tool_call.function.name": "f",
    "tool_calls.0.tool_call.function.arguments": '{"a":1}',
}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ],
}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"role": "user", "content": "hi", "name": "ada"},
         {"role": "user", "content": "hi", "name": "ada"}),
        ({"role": "assistant", **CALL}, CALLED),
        ({"role": "assistant", **CALL,
          "contents.0.message_content.type": "tool_use",
          "contents.0.tool_call.id": "c",
          "contents.0.tool_call.function.name": "f"}, CALLED),
        ({"role": "assistant", "contents.0.message_content.type": "text",
          "contents.0.message_content.text": "yes",
          "contents.1.message_content.type": "reasoning",
          "contents.1.message_content.text": "hm"},
         {"role": "assistant", "content": "yes", "reasoning_content": "hm"}),
        ({"role": "tool", "content": "r", "tool_call_id": "c"},
         {"role": "tool", "content": "r", "tool_call_id": "c"}),
        ({"role": "user", "contents.0.message_content.type": "image",
          "contents.0.message_content.image.image.url": "https://x/y"},
         {"role": "user", "content": [
             {"type": "image_url", "image_url": {"url": "https://x/y"}}]}),
        ({"role": "assistant", "function_call_name": "f",
          "function_call_arguments_json": '{"a":1}'},
         {"role": "assistant", "content": None, "tool_calls": [
             {"id": "call_1", "type": "function",
              "function": {"name": "f", "arguments": '{"a": 1}'}}]}),
    ],
    ids=["text", "call", "twice", "parts", "result", "image", "legacy"],
)  # fmt: skip
def test_a_flattened_message_is_put_together_again(fields: dict[str, object], body: Body) -> None:
    assert canonical(content(flat(fields)).input) == [body]


def test_arguments_that_are_left_out_are_none() -> None:
    own = {key: value for key, value in CALL.items() if not key.endswith("arguments")}
    [body] = canonical(content(flat({"role": "assistant", **own})).input)
    assert body["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("numbers", "roles", "lost"),
    [
        ([0, 1, 2], True, False),
        ([1, 2], True, True),
        ([0, 2], True, True),
        ([0], False, True),
    ],
)
def test_loss_is_proven_by_numbers_and_roles(numbers: list[int], roles: bool, lost: bool) -> None:
    own: dict[str, object] = {}
    for n in numbers:
        own[f"llm.input_messages.{n}.message.content"] = "x"
        if roles:
            own[f"llm.input_messages.{n}.message.role"] = "user"
    assert content(own).defects == (("dropped_attributes",) if lost else ())


@pytest.mark.parametrize("key", ["input.value", "output.value"])
@pytest.mark.parametrize(
    ("value", "defects"),
    [
        ("__REDACTED__", ("content_hidden",)),
        ('{"messages": [{"role"', ("truncated_value",)),
        ("[1, 2", ("truncated_value",)),
        ("just words", ()),
        ("{}", ()),
        (7, ()),
    ],
)
def test_a_body_that_is_hidden_or_cut_is_said_to_be(
    key: str, value: Any, defects: tuple[str, ...]
) -> None:
    assert content({key: value}).defects == defects


@pytest.mark.parametrize(("n", "texts"), [(None, "ab"), (1, "ab"), (2, "a"), ("2", "ab")])
def test_of_several_answers_the_first_is_the_output(n: Any, texts: str) -> None:
    answers = flat(*({"role": "assistant", "content": t} for t in "ab"), side="output")
    found = content({"llm.invocation_parameters": json.dumps({"n": n}), **answers})
    assert [message["content"] for message in found.output] == list(texts)


@pytest.mark.parametrize(
    ("own", "names"),
    [
        ({"llm.tools.1.tool.json_schema": '{"name":"g"}',
          "llm.tools.0.tool.json_schema": '{"type":"function","function":{"name":"f"}}'},
         ["f", "g"]),
        ({"input.value": '{"messages":[],"tools":[{"name":"h","input_schema":{}}]}'}, ["h"]),
        ({"llm.tools.0.tool.json_schema": '{"name":"f"}',
          "input.value": '{"tools":[{"name":"h"}]}'}, ["f"]),
        ({"llm.tools.0.tool.name": "f"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_tools_are_flattened_or_in_the_request(
    own: dict[str, object], names: list[str] | None
) -> None:
    tools = content(own).tools
    assert names == (None if tools is None else [tool["function"]["name"] for tool in tools])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"choices": [{"finish_reason": "length"}]}, "length"),
        ({"stop_reason": "end_turn"}, "end_turn"),
        ({"choices": [{"finish_reason": 3}]}, None),
        ({}, None),
    ],
)
def test_the_raw_answer_tells_why_it_ended(body: Any, reason: str | None) -> None:
    assert content({"output.value": json.dumps(body)}).finish == reason


def test_an_answer_may_be_bare_text() -> None:
    own = {**flat(USER), "output.value": "It leaves today.", "output.mime_type": "text/plain"}
    assert canonical(content(own).output) == [{"role": "assistant", "content": "It leaves today."}]


@pytest.mark.parametrize("text", ["__REDACTED__", "", " ", "[cut", '{"unknown": 1}', 7, None])
def test_what_is_no_bare_text_is_no_answer(text: object) -> None:
    assert content({**flat(USER), "output.value": text}).output == []


def test_a_flattened_answer_goes_before_bare_text() -> None:
    told = flat({"role": "assistant", "content": "flat"}, side="output")
    [body] = canonical(content({**flat(USER), **told, "output.value": "bare"}).output)
    assert body["content"] == "flat"


def test_the_text_of_a_failed_call_is_no_answer() -> None:
    own = {"openinference.span.kind": "LLM", **flat(USER), "output.value": "rate limited"}
    found = openinference.content(msgspec.structs.replace(span(own), status="error"))
    assert found is not None and found.output == []


def test_only_keys_that_hold_messages_count_as_read() -> None:
    own = {**flat(USER), "input.value": "{}", "input.mime_type": "application/json", "other": 1}
    assert content(own).read == {*flat(USER), "input.value"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 99_999), unique=True, max_size=12), st.randoms(use_true_random=False)
)
def test_groups_are_ordered_by_number_whatever_the_order_of_keys(
    numbers: list[int], random: Any
) -> None:
    keys = [f"p.{n}.x.y" for n in numbers]
    random.shuffle(keys)
    groups = grouped({key: key for key in keys} | {"q.1.x": 1, "p.x.1": 2, "p.-1.x": 3}, "p.")
    assert list(groups) == sorted(n for n in numbers if n < 10_000)
    assert all(group == {"x.y": f"p.{n}.x.y"} for n, group in groups.items())


@pytest.mark.parametrize("number", ["10000", "100000", "4294967295", "-1", "1e3", ""])
def test_a_number_beyond_every_conversation_names_no_group(number: str) -> None:
    assert grouped({f"p.{number}.x": 1}, "p.") == {}
