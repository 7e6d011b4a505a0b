"""Every shape in which a product may answer, and those that nobody can read."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from inspect_ai.model import ChatMessageAssistant
from inspect_ai.solver import TaskState

from headrace.evals.solvers.blame import ProductFailed, Unmeasured
from headrace.evals.solvers.reply import read, take
from headrace.evals.solvers.told import answered_in

ASK = {"role": "user", "content": "Where?"}
SAID = {"role": "assistant", "content": "Paris"}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}


@pytest.mark.parametrize(
    "given",
    [
        "Paris",
        SAID,
        [SAID],
        [ASK, SAID],
        {"text": "Paris"},
        {"message": SAID},
        {"messages": [SAID]},
        {"messages": [ASK, SAID]},
        {"message": "Paris"},
    ],
    ids=repr,
)
def test_a_text_a_message_and_messages_are_answers(given: Any) -> None:
    assert read(given, [ASK]).messages == (SAID,)


def test_what_it_took_is_kept_where_it_is_said() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    found = read({"text": "Paris", "usage": usage, "cost_usd": "0.0012"})
    assert (found.input_tokens, found.output_tokens) == (7, 2)
    assert found.cost_usd == Decimal("0.0012")
    assert read({"text": "x", "usage": {"input_tokens": 0}, "cost_usd": 0.1}).input_tokens == 0


@pytest.mark.parametrize("usage", [None, {}, [], {"input_tokens": "7"}, {"input_tokens": -1}, 7])
@pytest.mark.parametrize("cost", [None, "free", -1, "NaN", True])
def test_figures_that_are_none_are_not_known(usage: Any, cost: Any) -> None:
    found = read({"text": "Paris", "usage": usage, "cost_usd": cost})
    assert (found.input_tokens, found.cost_usd) == (None, None)


@pytest.mark.parametrize(
    "given",
    [None, 7, [], [ASK], ["Paris"], {}, {"answer": "Paris"}, ASK, {"message": None}, b"Paris"],
    ids=repr,
)
def test_what_nobody_can_read_is_not_measured(given: Any) -> None:
    with pytest.raises(Unmeasured, match="agent gave"):
        read(given)


@pytest.mark.parametrize("call", ["look", {"name": "look"}, {"function": {"arguments": "{}"}}])
def test_calls_in_another_shape_are_not_measured(call: Any) -> None:
    with pytest.raises(Unmeasured, match="OpenAI"):
        read({"role": "assistant", "content": None, "tool_calls": [call]})


def test_an_error_that_the_product_tells_is_its_failure() -> None:
    with pytest.raises(ProductFailed, match="out of ideas"):
        read({"error": {"message": "out of ideas"}})
    assert read({"error": None, "text": "Paris"}).messages == (SAID,)


def test_turns_with_calls_become_those_of_the_sample(state: Callable[..., TaskState]) -> None:
    loose = {"function": {"name": "pay", "arguments": {"to": "a"}}}
    turns = [
        {"role": "assistant", "content": None, "tool_calls": [CALL, loose]},
        {"role": "tool", "tool_call_id": "c", "content": "found"},
        SAID,
    ]
    done = take(state(), read({"messages": turns, "cost_usd": 2}))
    assert [m.role for m in done.messages] == ["user", "assistant", "tool", "assistant"]
    made = done.messages[1]
    assert isinstance(made, ChatMessageAssistant)
    assert [(c.function, c.arguments) for c in made.tool_calls or []] == [
        ("look", {"q": 1}),
        ("pay", {"to": "a"}),
    ]
    assert done.output.completion == "Paris"
    assert answered_in(done.metadata).cost_usd == 2
