"""Comparisons in words: every difference with its interval, everything left out named."""

from typing import Any

import msgspec
import polars as pl
import pytest

from headrace.evals.compare import compare
from headrace.evals.display.reading import comparison_words
from headrace.evals.statistics.comparison import Comparison, SliceComparison


def found(n: int = 60, fixed: int = 12, broken: int = 1, **more: Any) -> Comparison:
    names = [f"c{i:02}" for i in range(n)]
    before = [0.0] * fixed + [1.0] * (n - fixed)
    after = [1.0] * fixed + [0.0] * broken + [1.0] * (n - fixed - broken)
    frames = [pl.DataFrame({"case_id": names, "value": values}) for values in (before, after)]
    return compare(*frames, delta=0.05, names=("v1", "v2"), **more)


def test_a_better_release_is_said_with_its_interval_and_test() -> None:
    assert comparison_words(found()).startswith(
        "v2 is better than v1: +18.3 points (95 % interval +6.6 to +30.0; exact McNemar p = 0.0034;"
        " 60 shared cases, 12 fixed, 1 broken)."
    )


def test_a_worse_release_is_said_so() -> None:
    assert comparison_words(found(fixed=0, broken=20)).startswith("v2 is worse than v1: -33.3")


def test_a_release_as_good_rules_a_difference_out_and_may_replace() -> None:
    said = comparison_words(found(n=300, fixed=2, broken=2))
    assert said.startswith("v2 is as good as v1: +0.0 points (95 % interval -1.6 to +1.6;")
    assert "A difference of 5 points or more is ruled out." in said
    assert said.endswith("it may replace v1: it is not worse by 5 points.")


def test_a_sure_but_small_gain_is_called_small() -> None:
    said = comparison_words(found(n=2000, fixed=30, broken=10))
    assert said.startswith("v2 is better than v1")
    assert said.endswith("A difference of 5 points or more is ruled out.")


def test_doubt_is_said_with_its_reason_and_price() -> None:
    said = comparison_words(found(fixed=4, broken=2))
    assert said.startswith("Cannot tell v2 from v1 (underpowered): +3.3 points (95 % interval ")
    assert said.endswith("more cases.") and "To decide it would take about" in said


def test_a_wobble_that_no_cases_cure_is_said() -> None:
    assert comparison_words(found(fixed=4, broken=2, tau=0.1)).endswith(
        "A release wobbles too much from run to run for any number of cases to decide it."
    )


def test_what_a_release_moves_by_itself_is_said_to_be_in_the_interval() -> None:
    said = comparison_words(found(tau=0.012))
    assert "A release moves by 1.2 points by itself (A/A): that is allowed for." in said
    assert "(A/A)" not in comparison_words(found())


def test_one_configuration_is_said_to_be_noise() -> None:
    said = comparison_words(found(same=True))
    assert said.startswith("v1 and v2 are one configuration measured twice: +18.3 points")
    assert "What differs is noise" in said


def test_nothing_shared_is_said_without_numbers() -> None:
    frames = [pl.DataFrame({"case_id": [name], "value": [1.0]}) for name in ("a", "b")]
    said = comparison_words(compare(*frames, delta=0.05))
    assert said == (
        "Cannot tell B from A (too few shared cases): 0 shared cases. "
        "Left out: 1 case of A alone (a); 1 case of B alone (b)."
    )


def test_what_was_left_out_is_named_but_not_without_end() -> None:
    more = msgspec.structs.replace(found(), only_a=tuple("abcdefgh"), unmeasured=("x",))
    assert comparison_words(more).endswith(
        "Left out: 8 cases of v1 alone (a, b, c, d, e and 3 more); "
        "1 case without a score on one side (x)."
    )


@pytest.mark.parametrize(("state", "said"), [("worse", ", against the total"), ("better", "")])
def test_a_slice_that_moves_is_said(state: Any, said: str) -> None:
    part = SliceComparison(
        name="refunds", state=state, n=50, clusters=50, share=0.2, difference=-0.16, low=-0.25,
        high=-0.07, p=0.001, q=0.004,
    )  # fmt: skip
    words = comparison_words(msgspec.structs.replace(found(), slices=(part,)))
    assert f"Slice refunds is {state}{said}: -16.0 points (-25.0 to -7.0)." in words


def test_missing_data_ask_for_another_run() -> None:
    hidden = msgspec.structs.replace(found(), state="undecided", reason="missing data")
    assert "these could turn it: run them again." in comparison_words(hidden)
