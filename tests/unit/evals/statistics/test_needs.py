"""Planning by the formula on paper, and each lever doing what it is said to do."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.evals.statistics.contrast import Panel
from headrace.evals.statistics.needs import Needs, Plan
from headrace.evals.statistics.parameters import Parameters

DELTA = 0.03
Z_G, Z_P, Z_80 = (float(stats.norm.ppf(level)) for level in (0.96, 0.9875, 0.8))


def plan(
    *, unit: float, cases: int = 100, releases: int = 4, within: float | None = None, **more: Any
) -> Plan:
    """From releases of independent means with this sampling variance, each case tried twice."""
    panel = Panel(
        means=np.full(releases, 0.5),
        covariance=unit * np.eye(releases),
        cases=cases,
        clusters=cases,
        epochs=2,
        binary=False,
        tau=more.pop("tau", 0.2 * DELTA),
    )
    about = {"delta": DELTA, "window": 3, "levels": Parameters(), **more}
    return Plan(panel=panel, within=within, **about)


def room(length: int, delta: float = DELTA, window: int = 3) -> float:
    """T of the formula: what a release mean's sampling variance may be."""
    step = (delta / (Z_G + Z_80)) ** 2 / (1 + 1 / (length - 1))
    slope = (delta / (Z_P + Z_80)) ** 2 * length * (length**2 - 1) / (12 * window**2)
    return min(step, slope) - (0.2 * delta) ** 2


@pytest.mark.parametrize("releases", [2, 4, 5, 6, 10])
def test_cases_grow_with_the_variance_over_what_a_window_can_bear(releases: int) -> None:
    """With fewer releases than a window needs, one of 4 is planned for."""
    bearable = room(max(releases, 4))
    found = plan(unit=7.255 * bearable, releases=releases).needs()
    assert found.cases == 726


def test_four_releases_of_three_points_bear_this_much() -> None:
    """Slope: (.03 / 3.083)^2 x 60 / 108 = 5.261e-5, less (.2 x .03)^2 = 3.6e-5, is 1.661e-5."""
    assert room(4) == pytest.approx(1.661e-5, rel=2e-3)
    assert plan(unit=1.661e-4).needs().cases == pytest.approx(1000, abs=3)


def test_enough_cases_are_not_asked_to_grow_but_never_fall_below_the_least() -> None:
    assert plan(unit=room(4) / 50).needs().cases == 100
    assert plan(unit=room(4) / 50, cases=7).needs().cases == Parameters().min_n


@pytest.mark.parametrize("tau", [0.0, 0.001, 0.004])
def test_a_measured_repeatability_takes_its_square_from_the_room(tau: float) -> None:
    unit = 3 * (room(4) + (0.2 * DELTA) ** 2 - tau**2)
    found = plan(unit=unit, levels=Parameters(tau=tau), tau=tau).needs()
    assert found.cases == 300


def test_where_releases_wobble_too_much_no_lever_helps() -> None:
    found = plan(unit=1e-4, within=0.01, levels=Parameters(tau=0.02), tau=0.02).needs()
    assert found == Needs(jitter=True)


@pytest.mark.parametrize(("times", "jitter"), [(1.0, False), (1.49, False), (1.51, True)])
def test_releases_that_wobble_half_as_much_again_as_the_floor_are_told(
    times: float, jitter: bool
) -> None:
    assert plan(unit=1e-5, tau=times * 0.2 * DELTA).needs().jitter is jitter


def test_epochs_fill_what_repeating_can_remove() -> None:
    """n = 100, E = 2, v = .01: a = u n - v / 2, epochs = v / (T n - a)."""
    bearable, within = room(4), 0.004
    unit = 1.5 * bearable
    fixed = unit * 100 - within / 2
    expected = math.ceil(within / (bearable * 100 - fixed))
    found = plan(unit=unit, within=within).needs()
    assert 2 < expected < 20
    assert found.epochs == expected


def test_epochs_cannot_help_where_cases_alone_make_too_much_noise() -> None:
    assert plan(unit=10 * room(4), within=0.0001).needs().epochs is None
    assert plan(unit=10 * room(4), within=0.0001).needs().cases is not None


def test_epochs_have_no_price_where_nothing_was_repeated() -> None:
    assert plan(unit=room(4), within=None).needs().epochs is None


def test_releases_are_those_until_a_longer_slope_holds() -> None:
    unit = 0.9 * room(5)
    assert room(4) < unit
    assert plan(unit=unit, releases=3).needs().releases == 2
    assert plan(unit=unit, releases=4).needs().releases == 1


def test_a_first_window_waits_for_its_releases() -> None:
    assert plan(unit=room(4) / 2, releases=2).needs().releases == 2
    assert plan(unit=room(4) / 2, releases=3).needs().releases == 1


def test_no_number_of_releases_helps_where_the_newest_step_is_too_blunt() -> None:
    """The step part hardly grows with the window: at most (delta / (z_g + z_80))^2."""
    unit = 1.01 * (DELTA / (Z_G + Z_80)) ** 2
    found = plan(unit=unit).needs()
    assert (found.releases, found.cases is not None) == (None, True)


def test_no_window_longer_than_the_longest_is_promised() -> None:
    found = plan(unit=0.9 * room(5), levels=Parameters(m_max=4)).needs()
    assert found.releases is None
    assert plan(unit=room(4) / 2, releases=10).needs().releases is None


@settings(max_examples=80, deadline=None)
@given(
    unit=st.floats(1e-7, 1e-2),
    delta=st.floats(0.005, 0.3),
    releases=st.integers(2, 10),
    window=st.integers(1, 5),
)
def test_a_larger_delta_never_needs_more(
    unit: float, delta: float, releases: int, window: int
) -> None:
    about: dict[str, Any] = {"unit": unit, "releases": releases, "window": window, "within": 0.05}
    narrow = plan(delta=delta, tau=0.2 * delta, **about).needs()
    wide = plan(delta=1.5 * delta, tau=0.3 * delta, **about).needs()
    for lever in ("cases", "epochs", "releases"):
        less, more = getattr(wide, lever), getattr(narrow, lever)
        if more is not None and (lever != "releases" or less is not None):
            assert less is not None and less <= more


@settings(max_examples=80, deadline=None)
@given(unit=st.floats(1e-6, 1e-3), releases=st.integers(4, 10))
def test_with_the_cases_that_are_needed_no_more_are(unit: float, releases: int) -> None:
    first = plan(unit=unit, releases=releases)
    cases = first.needs().cases
    assert cases is not None
    grown = plan(unit=unit * 100 / cases, releases=releases, cases=cases)
    assert grown.needs().cases == cases


def test_needs_are_totals_and_levers_stand_alone() -> None:
    full = plan(unit=1.5 * room(4), within=0.004).needs()
    blind = plan(unit=1.5 * room(4), within=None).needs()
    assert msgspec.structs.replace(full, epochs=None) == blind
