"""What a judge is asked, and what is read from its words."""

import pytest
from inspect_ai.model import ChatMessageAssistant, ChatMessageTool, ChatMessageUser
from inspect_ai.tool import ToolCall

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.graded import grade_in, prompt, prompt_hash

CALL = ToolCall(id="1", function="look", arguments={"q": 1})


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("It does.\nGRADE: C", 1.0),
        ("It does not.\n\n**GRADE: I**\n", 0.0),
        ("grade: c", 1.0),
        ("GRADE: C\nOn second thought:\nGRADE: I", 0.0),
        ("GRADE: P", None),
        ("GRADE: X", None),
        ("GRADE: CI", None),
        ("I would say GRADE: C is too kind.", None),
        ("C", None),
        ("", None),
    ],
)
def test_the_last_line_with_a_grade_counts(said: str, value: float | None) -> None:
    assert grade_in(said) == value


def test_half_a_grade_is_one_where_it_was_offered() -> None:
    assert grade_in("GRADE: P", frozenset({"partial"})) == 0.5


def test_a_judge_sees_question_answer_calls_and_criterion() -> None:
    question = (
        ChatMessageUser(content="Where is my order?"),
        ChatMessageAssistant(content="", tool_calls=[CALL]),
        ChatMessageTool(content="it is lost", tool_call_id="1"),
    )
    asked = prompt(
        Answer(text="On its way.", calls=(CALL,), question=question),
        "says it is lost",
        frozenset(),
        rubric="Never lies.",
    )
    for part in ("Where is my order?", "it is lost", "On its way.", "calls look", "Never lies."):
        assert part in asked
    assert asked.index("Never lies.") < asked.index("says it is lost")
    assert "P when it does in part" not in asked


def test_braces_in_what_is_judged_are_text() -> None:
    assert "{criterion} {0}" in prompt(Answer(text="{criterion} {0}"), "{x}", frozenset())


def test_of_a_long_conversation_the_end_is_shown() -> None:
    question = (ChatMessageUser(content="opening " + "x" * 100_000 + " last"),)
    asked = prompt(Answer(text="a", question=question), "t", frozenset())
    assert "opening" not in asked and " last" in asked and len(asked) < 70_000


@pytest.mark.parametrize("target", ["", "  "])
def test_without_target_and_rubric_nothing_can_be_graded(target: str) -> None:
    with pytest.raises(TargetUnusable, match="rubric"):
        prompt(Answer(text="a"), target, frozenset())
    assert "Be kind." in prompt(Answer(text="a"), target, frozenset(), rubric="Be kind.")


def test_another_rubric_is_another_judge() -> None:
    assert prompt_hash("Be kind.") == prompt_hash("Be kind.") != prompt_hash(None)
