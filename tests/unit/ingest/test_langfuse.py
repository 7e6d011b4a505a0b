"""Langfuse: `langfuse.observation.*`."""

import json
from decimal import Decimal
from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

P = "langfuse.observation."
CALL = {f"{P}type": "generation"}
HI = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("generation", "llm"), ("GENERATION", "llm"), ("agent", "agent"), ("tool", "tool"),
     ("span", "other"), ("embedding", "other")],
)  # fmt: skip
def test_the_kind_is_the_type_of_the_observation(type_: str, kind: str) -> None:
    assert kind_of(span({f"{P}type": type_})) == (kind, "langfuse")


@pytest.mark.parametrize(
    "given", [[HI], {"messages": [HI], "tools": []}, HI, {"input": "hi"}, "hi", {"input": [HI]}]
)
def test_an_input_is_messages_a_request_one_message_or_text(given: Any) -> None:
    text = given if isinstance(given, str) else json.dumps(given)
    made = read(span({**CALL, f"{P}input": text, f"{P}output": "hello"}))
    assert made.said == [("user", "hi")]
    assert made.output[0]["content"] == "hello"
    assert f"{P}input" not in made.kept


@pytest.mark.parametrize(
    "given",
    [
        {"role": "assistant", "content": "yes"}, {"content": "yes"},
        [{"role": "assistant", "content": "yes"}], "yes",
        {"choices": [{"message": {"role": "assistant", "content": "yes"}}]},
    ],
)  # fmt: skip
def test_an_output_is_a_message_a_list_an_answer_or_text(given: Any) -> None:
    made = read(span({**CALL, f"{P}input": "hi", f"{P}output": json.dumps(given)}))
    assert [body["content"] for body in made.output] == ["yes"]


def test_arguments_of_a_function_are_no_messages_and_stay() -> None:
    given = '{"args": [], "kwargs": {"question": "hi"}}'
    made = read(span({**CALL, f"{P}input": given, f"{P}output": "yes"}))
    assert (made.input, made.kept[f"{P}input"]) == ([], given)


def test_json_that_was_cut_is_a_defect_and_no_text_of_the_user() -> None:
    made = read(span({**CALL, f"{P}input": '[{"role": "us', f"{P}output": "yes"}))
    assert made.span.defects == ("truncated_value",)
    assert made.input == []


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details":
          {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 1}},
         (9, 2, 0, None, 1)),
        ({"input": 9, "output": 2, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
         (9, 2, 4, 3, None)),
        ({"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 5}},
         (9, 2, 5, None, None)),
        ("cut {", (None, None, None, None, None)),
    ],
)  # fmt: skip
def test_the_keys_of_usage_are_free(usage: Any, tokens: tuple[int | None, ...]) -> None:
    made = read(span({**CALL, f"{P}usage_details": json.dumps(usage), f"{P}input": "hi"})).span
    found = (made.input_tokens, made.output_tokens, made.cached_tokens, made.cache_write_tokens)
    assert (*found, made.reasoning_tokens) == tokens


def test_cost_finish_reason_time_and_errors_come_out_of_their_json() -> None:
    own = {
        f"{P}cost_details": '{"total": 0.00005}',
        f"{P}metadata.finish_reason": '"length"',
        f"{P}completion_start_time": '"1970-01-01T00:00:01.250000Z"',
        f"{P}level": "ERROR",
        f"{P}status_message": "too long",
        f"{P}input": "hi",
    }
    made = read(span({**CALL, **own})).span
    assert (made.cost_usd, made.finish_reason, made.ttft_ms) == (Decimal("0.00005"), "length", 250)
    assert made.error == "too long"


def test_a_tool_run_has_its_call_id_in_metadata() -> None:
    own = {f"{P}type": "tool", f"{P}metadata.tool_call_id": '"c1"', f"{P}input": '{"a": 1}'}
    made = read(span({**own, f"{P}output": "fine"}, name="f"))
    assert made.output == [{"role": "tool", "tool_call_id": "c1", "content": "fine"}]
    assert made.input[0]["tool_calls"][0]["function"]["name"] == "f"
