"""Right or wrong: texts by their normal form, calls by names and parsed arguments."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput
from inspect_ai.tool import ToolCall

from headrace.evals.scorer import GRADERS, exact, includes, match, tool_calls


def text(said: str) -> ModelOutput:
    return ModelOutput.from_content("mock", said)


def calling(*calls: tuple[str, dict[str, Any]], parse_error: str | None = None) -> ModelOutput:
    made = [
        ToolCall(id=str(i), function=name, arguments=arguments, parse_error=parse_error)
        for i, (name, arguments) in enumerate(calls)
    ]
    message = ChatMessageAssistant(content="", tool_calls=made)
    return ModelOutput(model="mock", choices=[ChatCompletionChoice(message=message)])


def wanting(*calls: tuple[str, str]) -> str:
    return json.dumps([{"name": name, "arguments": arguments} for name, arguments in calls])


@pytest.mark.parametrize(
    ("grade", "answer", "target", "right"),
    [
        (exact, "Paris", "Paris", True),
        (exact, "paris", "Paris", False),
        (match, " PARIS\n", "paris", True),
        (match, "ﬁne", "fine", True),
        (match, "Paris.", "Paris", False),
        (includes, "It is Paris, France.", "paris", True),
        (includes, "It is Lyon.", "paris", False),
        (includes, "anything", "", False),
    ],
)
def test_texts_are_compared_as_their_scorer_says(
    grade: Any, answer: str, target: str, right: bool
) -> None:
    assert grade(text(answer), target) is right


def test_arguments_are_compared_parsed() -> None:
    target = wanting(("pay", '{"to": "a",  "amount": 1}'))
    assert tool_calls(calling(("pay", {"amount": 1.0, "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": 2, "to": "a"})), target)
    assert not tool_calls(calling(("refund", {"amount": 1, "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": "1", "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": True, "to": "a"})), target)


def test_a_call_too_many_or_too_few_is_wrong() -> None:
    target = wanting(("look", "{}"), ("look", "{}"))
    assert tool_calls(calling(("look", {}), ("look", {})), target)
    assert not tool_calls(calling(("look", {})), target)
    assert not tool_calls(calling(("look", {}), ("look", {}), ("look", {})), target)
    assert not tool_calls(text("I would look."), target)


def test_empty_arguments_are_no_arguments() -> None:
    assert tool_calls(calling(("look", {})), wanting(("look", "")))


def test_a_call_that_cannot_be_parsed_is_wrong() -> None:
    assert not tool_calls(calling(("look", {}), parse_error="no JSON"), wanting(("look", "{}")))


def test_no_answer_at_all_is_wrong() -> None:
    nothing = ModelOutput(model="mock", choices=[])
    targets = {"tool_calls": wanting(("look", "{}"))}
    assert not any(grade(nothing, targets.get(name, "Paris")) for name, grade in GRADERS.items())


_CALLS = st.lists(
    st.tuples(
        st.sampled_from(["look", "pay"]),
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@given(_CALLS, st.randoms(use_true_random=False))
def test_parallel_calls_may_come_in_any_order(calls: list[Any], rng: Any) -> None:
    shuffled = rng.sample(calls, len(calls))
    target = wanting(*((name, json.dumps(arguments)) for name, arguments in calls))
    assert tool_calls(calling(*shuffled), target)
    assert not tool_calls(calling(*shuffled[1:]), target)
