"""Regular expressions in linear time; a bad one is the fault of its case."""

import pytest

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.regex import regex


@pytest.mark.parametrize(
    ("said", "pattern", "options", "right"),
    [
        ("order 4711 is sent", r"order \d+", (), True),
        ("order 4711 is sent", r"order \d+", ("full",), False),
        ("order 4711", r"order \d+", ("full",), True),
        ("Order 1", "order", (), False),
        ("Order 1", "(?i)order", (), True),
        ("a\nb", "a.b", (), False),
        ("a\nb", "(?s)a.b", (), True),
        ("", "", (), True),
        ("été 7", r"été \d", (), True),
        ("a" * 50_000, "(a+)+$", (), True),
    ],
)
def test_an_expression_is_found_in_the_answer_or_is_all_of_it(
    said: str, pattern: str, options: tuple[str, ...], right: bool
) -> None:
    assert regex(Answer(text=said), pattern, frozenset(options)) is right


@pytest.mark.parametrize("pattern", ["(unclosed", "(?=ahead)", r"(a)\1", "*"])
def test_an_expression_that_cannot_be_used_says_why(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TargetUnusable, match="RE2"):
        regex(Answer(text="a"), pattern)
    assert capfd.readouterr() == ("", "")
