"""Marks in plain words: what says yes, what says no, and what says nothing that we may guess."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.errors import Undecodable
from headrace.ingest.grade import passed, score, success, verdict

YES = ("pass", "passed", "success", "succeeded", "true", "1", "1.0", "yes")
NO = ("fail", "failed", "failure", "false", "0", "0.0", "no")


@pytest.mark.parametrize("word", YES + NO)
def test_a_plain_word_is_read_in_any_spelling(word: str) -> None:
    said = word in YES
    for spelled in (word, word.upper(), word.title(), f"  {word}\n"):
        assert verdict(spelled) is said
        assert success(spelled) is said


@pytest.mark.parametrize("word", ["", "y", "ok", "good", "2", "0.5", "not failed", "passing", "-1"])
def test_any_other_word_says_nothing(word: str) -> None:
    assert verdict(word) is None
    with pytest.raises(Undecodable, match="give true or false, 1 or 0, pass or fail, or null"):
        success(word)


@pytest.mark.parametrize(
    ("value", "graded"), [(0.5, True), ("0.5", True), (2, True), ("maybe", False), ([], False)]
)
def test_a_grade_is_refused_with_the_way_to_a_threshold(value: Any, graded: bool) -> None:
    with pytest.raises(Undecodable) as refused:
        success(value)
    assert ("a grade is a score (--score) that a threshold" in str(refused.value)) is graded


@pytest.mark.parametrize(
    ("label", "said"),
    [("PASS", True), ("Failed", False), ("yes", None), ("true", None), ("1", None), ("no", None)],
)
def test_a_label_speaks_of_success_only_where_it_says_so(label: str, said: bool | None) -> None:
    """`yes` may answer "is it toxic?": the direction of a label is never guessed."""
    assert passed(label) is said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, None), (True, True), (False, False), (1, True), (0, False), (1.0, True)],
)
def test_a_mark_may_be_a_boolean_or_a_number(value: Any, said: bool | None) -> None:
    assert success(value) is said


@pytest.mark.parametrize("value", [2, 0.5, [], {}, ["pass"], b"pass"])
def test_a_mark_that_is_none_is_refused_by_field_and_value(value: Any) -> None:
    with pytest.raises(Undecodable, match="^solved is "):
        success(value, "solved")


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), (0, 0.0), ("0", 0.0), (True, 1.0), ("-2.5", -2.5), (" 1e3 ", 1000.0)],
)
def test_a_score_is_a_finite_number_or_none(value: Any, number: float | None) -> None:
    assert score(value) == number


@pytest.mark.parametrize(
    "value",
    ["", "high", "NaN", "inf", "1e999", float("nan"), float("-inf"), 10**400, [1], {"a": 1}],
)
def test_a_score_that_is_none_is_refused_and_never_zero(value: Any) -> None:
    with pytest.raises(Undecodable, match="^quality is .*: give a finite number or null"):
        score(value, "quality")


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_score_survives_being_written_as_text(number: float) -> None:
    assert score(repr(number)) == score(number) == number
