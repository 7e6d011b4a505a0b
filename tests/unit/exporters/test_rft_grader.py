import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.match import match
from headrace.evals.scorers.tool_calls import tool_calls
from headrace.exporters.formats import openai_howto
from headrace.exporters.formats.rft_grader import grade

Call = tuple[str, Any]  # a tool and its arguments


def graded(made: list[tuple[str, str]], right: list[Call]) -> float:
    tools = [{"function": {"name": name, "arguments": given}} for name, given in made]
    reference = [{"name": name, "arguments": json.dumps(given)} for name, given in right]
    item = {"scorer": "tool_calls", "reference": reference}
    return grade({"output_text": None, "output_tools": tools}, item)


def scored(made: list[Call], right: list[Call]) -> bool:
    """What the scorer of the suite says."""
    calls = (SimpleNamespace(function=n, arguments=a, parse_error=None) for n, a in made)
    target = [{"name": name, "arguments": json.dumps(given)} for name, given in right]
    return tool_calls(Answer(text="", calls=cast(Any, tuple(calls))), json.dumps(target))


NUMBERS = st.sampled_from([0, 1, 1.0, 1.5, -0.0, 2**60, True, False, None, "1", "a", "A"])
VALUES = NUMBERS | st.lists(NUMBERS, max_size=2) | st.dictionaries(st.sampled_from("ab"), NUMBERS)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["f", "g"]), st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2)
    ),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), right=CALLS)
def test_calls_are_worth_what_the_scorer_of_the_suite_says(
    data: st.DataObject, right: list[Call]
) -> None:
    made = data.draw(CALLS | st.permutations(right))
    told = [(name, json.dumps(given, indent=1)) for name, given in made]
    assert graded(told, right) == float(scored(made, right))


TEXTS = st.text(st.sampled_from("aAéÉßs \n\u00a0ﬁ"), max_size=4)


@settings(max_examples=200, deadline=None)
@given(said=TEXTS, right=TEXTS)
def test_a_text_is_worth_what_the_scorer_of_the_suite_says(said: str, right: str) -> None:
    worth = grade({"output_text": said}, {"scorer": "match", "reference": right})
    assert worth == float(match(Answer(text=said), right))


@pytest.mark.parametrize("arguments", ["{", "", "  ", "[1]", "NaN", '{"x": 1}}', "[" * 100_000])
def test_arguments_that_are_no_object_are_wrong_and_break_nothing(arguments: str) -> None:
    assert graded([("f", arguments)], [("f", {"x": 1})]) == 0.0


def test_an_answer_without_calls_or_text_is_wrong() -> None:
    assert grade({}, {"scorer": "match", "reference": "Yes"}) == 0.0
    assert graded([], [("f", {})]) == 0.0
    assert graded([("f", "")], [("f", {})]) == 1.0


def test_the_grader_runs_alone_from_the_text_that_is_uploaded() -> None:
    told = json.loads(openai_howto.grader())
    assert told["type"] == "python" and len(told["source"]) < 256_000
    names: dict[str, Any] = {}
    exec(compile(told["source"], "grader", "exec"), names)
    row = {"scorer": "match", "reference": "Yes"}
    assert names["grade"]({"output_text": " yes\n"}, row) == 1.0
    assert "headrace" not in "".join(
        line for line in told["source"].splitlines() if "import" in line
    )
