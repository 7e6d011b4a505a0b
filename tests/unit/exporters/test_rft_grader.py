import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.rewards import score
from headrace.exporters.formats import openai_howto
from headrace.exporters.formats.rft_grader import grade
from headrace.lake.message import Body

Call = tuple[str, str]  # a tool, and its arguments as JSON text


def functions(calls: list[Call]) -> list[Body]:
    return [{"name": name, "arguments": given} for name, given in calls]


def graded(made: list[Call], right: list[Call]) -> float:
    tools = [{"function": function} for function in functions(made)]
    item = {"scorer": "tool_calls", "reference": functions(right)}
    return grade({"output_text": None, "output_tools": tools}, item)


def scored(made: list[Call], right: list[Call]) -> float | None:
    """What the evaluation says."""
    answer = {"role": "assistant", "tool_calls": [{"function": f} for f in functions(made)]}
    return score("tool_calls", json.dumps(functions(right)), [answer])


NUMBERS = st.sampled_from([0, 1, 1.0, 1.5, -0.0, 2**60, True, False, None, "1", "a", "A"])
VALUES = NUMBERS | st.lists(NUMBERS, max_size=2) | st.dictionaries(st.sampled_from("ab"), NUMBERS)
OBJECTS = st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2)
NAMES = st.sampled_from(["f", "g"])
RIGHT = st.lists(st.tuples(NAMES, OBJECTS.map(json.dumps)), max_size=3)
WRITTEN = OBJECTS.map(lambda given: json.dumps(given, indent=1)) | st.sampled_from(["", "{", "[1]"])


@settings(max_examples=200, deadline=None)
@given(data=st.data(), right=RIGHT)
def test_calls_are_worth_what_the_evaluation_says(data: st.DataObject, right: list[Call]) -> None:
    made = data.draw(st.lists(st.tuples(NAMES, WRITTEN), max_size=3) | st.permutations(right))
    assert graded([*made], right) == scored([*made], right)


TEXTS = st.text(st.sampled_from("aAéÉßs \n\u00a0ﬁ"), max_size=4)


@settings(max_examples=200, deadline=None)
@given(said=TEXTS, right=TEXTS)
def test_a_text_is_worth_what_the_evaluation_says(said: str, right: str) -> None:
    worth = grade({"output_text": said}, {"scorer": "match", "reference": right})
    assert worth == score("match", right, [{"role": "assistant", "content": said}])


@pytest.mark.parametrize("arguments", ["{", "", "  ", "[1]", "NaN", '{"x": 1}}', "[" * 100_000])
def test_arguments_that_are_no_object_are_wrong_and_break_nothing(arguments: str) -> None:
    assert graded([("f", arguments)], [("f", '{"x": 1}')]) == 0.0


def test_an_answer_without_calls_or_text_is_wrong() -> None:
    assert grade({}, {"scorer": "match", "reference": "Yes"}) == 0.0
    assert graded([], [("f", "{}")]) == 0.0
    assert graded([("f", "")], [("f", "{}")]) == 1.0


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
