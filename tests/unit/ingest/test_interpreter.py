"""Marks by expression: what a line does not say is neither success nor failure."""

from typing import Any

import pytest

from headrace.ingest.picks import Picker, Picks


def picked(expression: str, record: Any, *, option: str = "success") -> Any:
    return Picker(Picks(**{"messages": "@", option: expression})).pick(record)[option]


@pytest.mark.parametrize(
    "expression",
    [
        "reward == `1.0`",
        "reward != `0`",
        "`1` == reward",
        "reward >= `0.5`",
        "reward > least",
        "!failed",
        "!(reward == `1.0`)",
        "info.reward == `1`",
        "reward == `1` && failed == `false`",
        "words[?text == 'bad'] | [0] && `false`",
    ],
)
@pytest.mark.parametrize(
    "record", [{}, {"reward": None, "failed": None}, {"info": {}, "words": [{"text": "fine"}]}]
)
def test_a_line_without_an_outcome_is_not_marked(expression: str, record: dict[str, Any]) -> None:
    assert picked(expression, record) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("reward == `1.0`", False),
        ("reward != `1.0`", True),
        ("reward >= `0.5`", True),
        ("!failed", True),
        ("!(reward == `1.0`)", True),
        ("error == `null`", True),
        ("!(error == `null`)", False),
        ("reward != `null`", True),
        ("gone == `null`", True),
    ],
)
def test_a_line_with_an_outcome_is_marked_by_it(expression: str, said: bool) -> None:
    assert picked(expression, {"reward": 0.5, "failed": False, "error": None}) is said


def test_within_a_filter_and_in_other_options_jmespath_holds_to_the_letter() -> None:
    record = {"words": [{"text": "a", "by": "me"}, {"text": "b"}]}
    kept = "length(words[?by != 'me' && !old]) == `1`"
    assert picked(kept, record) is True
    assert picked("gone == 'x'", record, option="score") is False
