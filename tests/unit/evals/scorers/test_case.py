"""Each case is scored by the scorer that it names; what fails beside the product is no zero."""

import asyncio
from typing import Any

import pytest
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageUser,
    Model,
    ModelName,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Score, Target
from inspect_ai.solver import TaskState
from inspect_ai.tool import ToolCall

from headrace.evals.errors import UnknownScorer
from headrace.evals.scorers import case as scorers
from headrace.evals.scorers.answer import answer_of
from headrace.evals.scorers.case import case_scorer, options_of
from headrace.evals.scores.sample import value_of
from headrace.evals.solvers.told import fail


def state(said: str, **metadata: Any) -> TaskState:
    asked = [ChatMessageUser(content="Where?")]
    return TaskState(
        model=ModelName("mockllm/model"),
        sample_id="a",
        epoch=1,
        input=list(asked),
        messages=list(asked),
        output=ModelOutput.from_content("mock", said),
        metadata=metadata,
    )


def judge(said: Any) -> Model:
    def output(*_: Any) -> ModelOutput:
        if isinstance(said, Exception):
            raise said
        found = ModelOutput.from_content("mockllm/model", said)
        found.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return found

    return get_model("mockllm/model", custom_outputs=output, memoize=False)


def scored(found: TaskState, target: str = "Paris", **options: Any) -> Score:
    score = asyncio.run(case_scorer(**options)(found, Target(target)))
    assert score is not None
    return score


@pytest.mark.parametrize(
    ("scorer", "said", "value"),
    [
        ("exact", "paris", 0),
        ("match", "paris", 1),
        ("includes", "in paris", 1),
        ("regex", "in Paris", 1),
        ("regex:full", "in Paris", 0),
    ],
)
def test_each_case_is_scored_by_the_scorer_it_names(scorer: str, said: str, value: int) -> None:
    found = scored(state(said, scorer=scorer))
    assert (found.value, found.answer) == (value, said)


def test_a_case_that_names_no_scorer_of_ours_is_an_error_and_no_zero() -> None:
    with pytest.raises(UnknownScorer, match="there are"):
        scored(state("Paris", scorer="vibes"))


def test_a_target_that_its_scorer_cannot_use_gives_no_value_and_says_why() -> None:
    found = scored(state("Paris", scorer="regex"), target="(unclosed")
    assert isinstance(found.value, float) and value_of(found.value) is None
    assert "regex failed" in str(found.reason) and "RE2" in str(found.reason)


def test_a_scorer_that_crashes_gives_no_value_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(scorers, "_score", crash)
    found = scored(state("Paris", scorer="match"))
    assert isinstance(found.value, float) and value_of(found.value) is None
    assert found.reason == "match failed: 'lost'"


def test_a_product_that_failed_scores_zero_whatever_its_scorer_would_say() -> None:
    found = scored(fail(state("Paris", scorer="match"), "the agent failed: KeyError"))
    assert (found.value, found.explanation) == (0, "the agent failed: KeyError")


def test_a_judge_that_says_nothing_readable_has_given_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for said, value in (("GRADE: C", 1.0), ("GRADE: I", 0.0), ("I like it", None)):
        made = judge(said)
        monkeypatch.setattr(scorers, "get_model", lambda made=made, **_: made)
        found = scored(state("Paris", scorer="graded"))
        assert isinstance(found.value, float) and value_of(found.value) == value


def test_a_judge_that_cannot_be_reached_has_given_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = judge(RuntimeError("503 overloaded"))
    monkeypatch.setattr(scorers, "get_model", lambda **_: made)
    found = scored(state("Paris", scorer="graded"))
    assert isinstance(found.value, float) and value_of(found.value) is None
    assert "503 overloaded" in str(found.reason)


def test_without_a_judge_nothing_is_graded() -> None:
    found = scored(state("Paris", scorer="graded"))
    assert isinstance(found.value, float) and value_of(found.value) is None
    assert "grader" in str(found.reason)


def test_the_words_of_the_judge_are_part_of_what_scores_and_only_where_one_judges() -> None:
    assert options_of(judged=False, rubric="Be kind.") == {"version": 1}
    one, other = (options_of(judged=True, rubric=r) for r in ("Be kind.", "Be brief."))
    assert one["prompt"] != other["prompt"] != options_of(judged=True, rubric=None)["prompt"]


def test_the_calls_of_every_turn_since_the_question_are_looked_at() -> None:
    found = state("done")
    first = ToolCall(id="1", function="look", arguments={})
    turn = ChatMessageAssistant(content="", tool_calls=[first])
    found.messages += [turn]
    found.output.message.tool_calls = [ToolCall(id="2", function="pay", arguments={})]
    answer = answer_of(found)
    assert [call.function for call in answer.calls] == ["look", "pay"]
    found.messages.append(found.output.message)
    assert [call.function for call in answer_of(found).calls] == ["look", "pay"]


def test_calls_of_the_question_are_not_the_answers() -> None:
    asked = ChatMessageAssistant(
        content="", tool_calls=[ToolCall(id="1", function="look", arguments={})]
    )
    found = TaskState(
        model=ModelName("mockllm/model"),
        sample_id="a",
        epoch=1,
        input=[asked],
        messages=[asked],
        output=ModelOutput(model="m", choices=[]),
    )
    assert (answer_of(found).calls, answer_of(found).text) == ((), "")
