"""Rules over scores: what is one, and which scores pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.errors import SettingsError
from headrace.lake.threshold import Threshold, parsed


@pytest.mark.parametrize(
    ("rule", "below", "at", "above"),
    [
        (">= 0.5", False, True, True),
        (">0.5", False, False, True),
        (" <= 0.5 ", True, True, False),
        ("< 5e-1", True, False, False),
        ("== 0.5", False, True, False),
    ],
)
def test_a_rule_says_which_side_is_a_success(rule: str, below: bool, at: bool, above: bool) -> None:
    assert [parsed(rule).passes(score) for score in (0.25, 0.5, 0.75)] == [below, at, above]


@pytest.mark.parametrize(
    "text",
    ["", "0.5", ">=", "=> 1", "= 1", "!= 1", ">= x", ">= nan", "< inf", ">= 1 2", ">== 1", 0.5],
)
def test_what_is_no_rule_is_refused_with_one_to_copy(text: object) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(text)
    assert repr(text) in str(refused.value)
    assert ">= 0.7" in str(refused.value)


@given(
    st.sampled_from([">=", ">", "<=", "<", "=="]),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_rule_is_read_as_it_is_shown(comparator: str, bound: float) -> None:
    rule = parsed(f"{comparator}{bound!r}")
    assert parsed(str(rule)) == rule
    assert rule == Threshold(comparator=rule.comparator, bound=bound)
