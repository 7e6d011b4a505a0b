import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import arguments, calls, names, orphan, text
from headrace.lake.message import Body

IDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True)


def turn(*ids: str | None) -> Body:
    function = {"name": "f", "arguments": "{}"}
    made = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(name: str | None) -> Body:
    return {"role": "tool", "content": "ok", "tool_call_id": name}


USER: Body = {"role": "user", "content": "hi"}
SAID: Body = {"role": "assistant", "content": "done"}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], None),
        ([USER, SAID], None),
        ([USER, turn("a"), result("a"), SAID], None),
        ([USER, turn("a", "b"), result("b"), result("a"), SAID], None),
        ([USER, turn("a"), result("a"), turn("a"), result("a")], None),
        ([USER, turn("a", "b")], None),
        ([USER, turn("a", "b"), result("a")], None),
        ([USER, turn("a", "b"), result("a"), SAID], "orphan_tool_call"),
        ([USER, turn("a"), USER], "orphan_tool_call"),
        ([USER, turn("a"), turn("b")], "orphan_tool_call"),
        ([result("a")], "orphan_tool_result"),
        ([USER, turn("a"), result("b")], "orphan_tool_result"),
        ([USER, turn("a"), result("a"), result("a")], "orphan_tool_result"),
        ([USER, turn("a", "a"), result("a"), result("a"), SAID], None),
        ([USER, turn(None), result("x"), SAID], None),
        ([USER, turn("x"), result(None), SAID], None),
        ([USER, turn(None, None), result("x"), result(None), SAID], None),
        ([USER, turn("a", None), result("b"), result("a"), SAID], None),
        ([USER, turn("a", None), result("b"), result("c"), SAID], "orphan_tool_result"),
        ([USER, result(None)], "orphan_tool_result"),
        ([USER, turn("a"), USER, result("b")], "orphan_tool_call"),
    ],
)
def test_the_first_call_or_result_without_its_other_half_is_told(
    messages: list[Body], expected: str | None
) -> None:
    assert orphan(messages) == expected


@settings(max_examples=60, deadline=None)
@given(ids=IDS, data=st.data())
def test_results_may_come_in_any_order_but_none_may_be_missing(
    ids: list[str], data: st.DataObject
) -> None:
    answered = data.draw(st.permutations(ids))
    whole = [USER, turn(*ids), *(result(name) for name in answered), SAID]
    assert orphan(whole) is None
    assert orphan([*whole[:2], *whole[3:]]) == "orphan_tool_call"


def test_calls_are_gathered_in_the_order_in_which_they_were_made() -> None:
    said = [turn("b", "a"), {"role": "assistant", "tool_calls": None}, USER, turn("c")]
    assert [call["id"] for call in calls(said)] == ["b", "a", "c"]


def test_a_tool_without_a_name_stands_for_no_call(called: Callable[..., Body]) -> None:
    tools: list[Body] = [{"type": "function"}, {"type": "function", "function": None}]
    [asked] = calls([called()])
    assert asked["function"]["name"] not in names(tools)
    assert names([*tools, {"function": {"name": "refund"}}]) >= {"refund"}


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"function": {}},
        {"function": {"arguments": None}},
        {"function": {"arguments": {"a": 1}}},
        {"function": {"arguments": 7}},
        {"function": {"arguments": '{"a": NaN}'}},
        {"function": {"arguments": '{"a": -Infinity}'}},
        {"function": {"arguments": "[" * 100_000}},
    ],
)
def test_a_broken_call_has_no_arguments_and_breaks_nothing(call: Body) -> None:
    assert arguments(call) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_text_is_never_a_number_that_json_does_not_know(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        text({"n": value})


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_arguments_keep_the_order_in_which_the_model_wrote(value: dict[str, Any]) -> None:
    written = json.dumps(value)
    read = arguments({"function": {"arguments": written}})
    assert read is not None and list(read) == list(value)
