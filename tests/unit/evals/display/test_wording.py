"""Verdicts in words: every number with its sign, its unit and its interval, grammar included."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evals.display.wording import needs_words, points, state_words, verdict_words
from headrace.evals.plateau import TrendVerdict
from headrace.evals.statistics.needs import Needs

Make = Callable[..., TrendVerdict]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        *[(0.031, "+3.1"), (-0.031, "-3.1"), (1.0, "+100.0"), (0.0, "+0.0")],
        *[(-0.0001, "+0.0"), (0.0004, "+0.0"), (-0.0006, "-0.1")],
    ],
)
def test_a_difference_is_said_in_points_with_its_sign(share: float, said: str) -> None:
    assert points(share) == said


@given(st.floats(-1, 1))
def test_points_are_never_off_by_more_than_their_last_digit(share: float) -> None:
    assert float(points(share)) / 100 == pytest.approx(share, abs=0.00051)


@pytest.mark.parametrize("state", ["improving", "plateaued", "regressed"])
def test_a_decided_state_is_said_with_its_interval(verdict: Make, state: str) -> None:
    said = verdict_words(verdict(state=state, reason=None, needs=None))
    assert said.startswith(f"{state.capitalize()}: +1.0 points per 3 releases (-2.0 to +4.0).")
    assert state_words(verdict(state=state, reason=None)) == state


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("plateaued", None, "plateaued, established at v9"),
        (
            "inconclusive",
            "underpowered",
            "plateaued, established at v9; newest look inconclusive (underpowered), "
            "not contradicted",
        ),
        ("regressed", None, "regressed"),
    ],
)
def test_a_plateau_that_stands_is_said_with_its_release(
    verdict: Make, state: str, reason: str | None, said: str
) -> None:
    found = verdict(state=state, reason=reason)
    assert state_words(found, "v9") == said
    assert verdict_words(found, "v9").startswith(said[0].upper() + said[1:] + ": ")


@pytest.mark.parametrize(("window", "per"), [(1, "release"), (2, "2 releases")])
def test_a_gain_is_per_window(verdict: Make, window: int, per: str) -> None:
    assert f"+1.0 points per {per} (" in verdict_words(verdict(window=window))


@pytest.mark.parametrize(
    ("state", "told"),
    [("plateaued", True), ("inconclusive", True), ("improving", False), ("regressed", False)],
)
def test_what_is_ruled_out_is_told_where_nothing_moved(
    verdict: Make, state: str, told: bool
) -> None:
    reason = "underpowered" if state == "inconclusive" else None
    found = verdict(state=state, reason=reason, certifiable_delta=0.0414)
    assert ("A gain of 4.1 points or more is ruled out." in verdict_words(found)) is told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"reason": "one release", "n": 1, "releases": 1},
            "Cannot tell (one release): 1 shared case, 1 release. A movement takes two releases, "
            "a plateau 4.",
        ),
        (
            {"reason": "too few shared cases", "n": 0, "releases": 5},
            "Cannot tell (too few shared cases): 0 shared cases, 5 releases.",
        ),
    ],
)
def test_without_an_estimate_it_says_what_there_is(
    verdict: Make, more: dict[str, Any], said: str
) -> None:
    bare = {"gain": None, "low": None, "high": None, "certifiable_delta": None, "needs": None}
    assert verdict_words(verdict(**bare, **more)) == said


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({"reason": "saturated"}, "The suite is near its top: add harder cases."),
        (
            {"reason": "missing data", "absent": 0.064},
            "6 % of attempts have no score: run these again.",
        ),
        (
            {"reason": "underpowered"},
            "To decide it would take about 3 epochs of every case, or 150 more cases, "
            "or 2 more releases.",
        ),
        ({"reason": "too few releases", "needs": Needs(releases=1)}, "about 1 more release."),
        (
            {"reason": "too few releases", "releases": 2, "needs": Needs()},
            "A plateau takes at least 2 more releases.",
        ),
        ({"reason": "underpowered", "needs": Needs()}, "is ruled out."),  # no lever helps
        ({"reason": "underpowered", "needs": None}, "is ruled out."),
        ({"reason": "saturated", "needs": Needs(cases=9999)}, "add harder cases."),
    ],
)
def test_doubt_ends_with_its_price(verdict: Make, more: dict[str, Any], ends: str) -> None:
    assert verdict_words(verdict(**more)).endswith(ends)


@pytest.mark.parametrize(
    ("needs", "cases", "said"),
    [
        (Needs(), 100, None),
        (Needs(jitter=True), 100, None),
        (Needs(epochs=1), 100, "1 epoch of every case"),
        (Needs(cases=101), 100, "1 more case"),
        (Needs(cases=11_707), 98, "12,000 more cases"),  # an order of size, not a count
        (Needs(cases=100), 100, None),  # there already
        (Needs(cases=20), 100, None),
        (Needs(releases=2), 100, "2 more releases"),
        (Needs(cases=250, releases=1), 100, "150 more cases, or 1 more release"),
    ],
)
def test_only_levers_that_help_are_named(needs: Needs, cases: int, said: str | None) -> None:
    assert needs_words(needs, cases) == said


def test_a_gain_that_no_suite_can_show_is_not_ruled_out_in_words(verdict: Make) -> None:
    assert "ruled out" not in verdict_words(verdict(reason="underpowered", certifiable_delta=1.3))
