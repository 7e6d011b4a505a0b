"""The tests of the verdict on panels made by hand, with numbers worked out on paper."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.evals.statistics.contrast import Panel
from headrace.evals.statistics.evidence import Evidence, repeatability
from headrace.evals.statistics.parameters import Parameters

CLUSTERS = 101  # 100 degrees of freedom
DELTA = 0.03


def t(level: float) -> float:
    return float(stats.t.ppf(1 - level, CLUSTERS - 1))


def panel(means: Sequence[float], sigma: float = 0.0, tau: float = 0.0) -> Panel:
    """Releases of independent means, each with the standard error sigma."""
    return Panel(
        means=np.asarray(means, dtype=np.float64),
        covariance=sigma**2 * np.eye(len(means)),
        cases=500,
        clusters=CLUSTERS,
        epochs=1,
        binary=False,
        tau=tau,
    )


def evidence(means: Sequence[float], sigma: float, **more: Any) -> Evidence:
    about = {"window": 3, "delta": DELTA, "share": 1.0, "levels": Parameters(), **more}
    return Evidence(panel=panel(means, sigma), **about)


@pytest.mark.parametrize(
    ("last", "window", "error"), [(4, 3, 1.342), (8, 3, 0.463), (2, 1, math.sqrt(2))]
)
def test_the_error_of_a_slope_falls_with_its_length(last: int, window: int, error: float) -> None:
    """h sigma / sqrt(k (k^2 - 1) / 12), for h = 3: 1.34 sigma at k = 4, 0.46 at k = 8."""
    found = evidence([0.5] * 8, 0.01, window=window).slope(last)
    exact = window * 0.01 / math.sqrt(last * (last**2 - 1) / 12)
    assert found.error == pytest.approx(exact, rel=1e-12)
    assert found.error == pytest.approx(0.01 * error, rel=1e-3)


@pytest.mark.parametrize(
    ("means", "estimate", "error"),
    [
        ([0.50, 0.50, 0.50, 0.56], 0.06, math.sqrt(4 / 3)),  # newest against the three before
        ([0.50, 0.50, 0.56, 0.56], 0.06, 1.0),  # the last two against the two before
        ([0.50, 0.52, 0.54, 0.56], 0.06, math.sqrt(9 / 5)),  # the slope: .0447 beats .04, .0346
        ([0.50, 0.56, 0.50, 0.56], 0.04, math.sqrt(4 / 3)),  # .0346 beats the slope's .0268
    ],
)
def test_the_best_sign_of_a_gain_is_the_clearest_of_three(
    means: list[float], estimate: float, error: float
) -> None:
    found = evidence(means, 0.01).best()
    assert found.estimate == pytest.approx(estimate, abs=1e-12)
    assert found.error == pytest.approx(0.01 * error, rel=1e-12)


@pytest.mark.parametrize(
    ("means", "estimate", "error"),
    [
        ([0.56, 0.56, 0.56, 0.50], -0.06, math.sqrt(4 / 3)),  # newest against the three before
        ([0.56, 0.56, 0.50, 0.50], -0.06, 1.0),  # the last two against the two before
        ([0.50, 0.50, 0.60, 0.50], -0.10, math.sqrt(2)),  # newest against the one before
    ],
)
def test_the_worst_sign_of_a_loss_is_the_clearest_of_three_steps(
    means: list[float], estimate: float, error: float
) -> None:
    found = evidence(means, 0.01).worst()
    assert found.estimate == pytest.approx(estimate, abs=1e-12)
    assert found.error == pytest.approx(0.01 * error, rel=1e-12)


def test_before_the_window_is_full_only_the_newest_step_can_be_a_gain() -> None:
    found = evidence([0.5, 0.5, 0.56], 0.01).best()
    assert found.estimate == pytest.approx(0.06)
    assert found.error == pytest.approx(0.01 * math.sqrt(3 / 2))


def test_a_window_of_one_release_compares_neighbours() -> None:
    found = evidence([0.5, 0.5, 0.56], 0.01, window=1)
    assert found.best().estimate == pytest.approx(0.06)
    assert found.worst().estimate == pytest.approx(0.03)  # the last newest against the two before


@pytest.mark.parametrize(("by", "rises"), [(0.999, False), (1.001, True)])
def test_a_gain_counts_from_its_quantile_on(by: float, rises: bool) -> None:
    gain = t(0.002) * 0.02 * by  # two against two: error sigma
    found = evidence([0.4, 0.4, 0.4 + gain, 0.4 + gain], 0.02)
    assert gain > 0.75 * DELTA
    assert found.rises(0.002) is rises
    mirrored = evidence([0.6, 0.6, 0.6 - gain, 0.6 - gain], 0.02)
    assert mirrored.falls(0.002) is rises


@pytest.mark.parametrize(("by", "rises"), [(0.999, False), (1.001, True)])
def test_however_clear_a_gain_below_three_quarters_of_delta_is_no_claim(
    by: float, rises: bool
) -> None:
    gain = 0.75 * DELTA * by
    found = evidence([0.4, 0.4, 0.4 + gain, 0.4 + gain], 1e-5)
    assert found.rises(0.002) is rises
    assert evidence([0.6, 0.6, 0.6 - gain, 0.6 - gain], 1e-5).falls(0.002) is rises


def test_an_interim_look_spends_a_share_of_every_level() -> None:
    whole, part = (evidence([0.5] * 4, 0.01, share=share) for share in (1.0, 0.25))
    assert part.quantile(0.04) == pytest.approx(whole.quantile(0.01), rel=1e-12)
    gain = 0.01 * (t(0.002) + t(0.0005)) / 2
    means = [0.4, 0.4, 0.4 + gain, 0.4 + gain]
    assert evidence(means, 0.01).rises(0.002)
    assert not evidence(means, 0.01, share=0.25).rises(0.002)


def test_the_bound_of_a_flat_line_is_the_worse_of_slope_and_guard() -> None:
    """Over 4 of 4: slope t(.0125) 1.342 sigma; newest against 3: t(.04) 1.155 sigma."""
    sigma = 0.01
    found = evidence([0.5] * 4, sigma).bound(4)
    slope, guard = t(0.0125) * math.sqrt(9 / 5) * sigma, t(0.04) * math.sqrt(4 / 3) * sigma
    assert slope > guard
    assert found == pytest.approx(slope, rel=1e-12)
    longer = evidence([0.5] * 10, sigma).bound(10)
    assert longer == pytest.approx(t(0.04) * math.sqrt(1 + 1 / 9) * sigma, rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_of_the_newest_release_widens_the_bound_looser_below(sign: int) -> None:
    sigma, jump = 0.002, 0.01
    found = evidence([0.5] * 9 + [0.5 + sign * jump], sigma).bound(10)
    guard = t(0.04) if sign > 0 else t(0.15)
    assert found == pytest.approx(jump + guard * math.sqrt(1 + 1 / 9) * sigma, rel=1e-9)


def test_flat_is_the_shortest_length_whose_bound_lies_below_delta() -> None:
    found = evidence([0.5] * 10, 0.01)
    bounds = {length: found.bound(length) for length in found.lengths}
    fits = [length for length, bound in bounds.items() if bound < DELTA]
    assert 4 < fits[0] < 10
    assert found.flat() == fits[0]
    blunt = evidence([0.5] * 10, 0.03)
    assert blunt.flat() is None and min(blunt.lengths) == 4


def test_weak_evidence_of_movement_vetoes_a_plateau() -> None:
    """A step of 0.8 delta whose bound still lies below delta: rises at .05, so it is not flat."""
    sigma = 0.003
    still = [0.5] * 10
    moved = [0.5] * 9 + [0.5 + 0.76 * DELTA]
    assert evidence(still, sigma).flat() is not None
    assert min(evidence(moved, sigma).bound(k) for k in range(4, 11)) < DELTA
    assert evidence(moved, sigma).flat() is None
    loose = Parameters(veto=1e-9)
    assert evidence(moved, sigma, levels=loose).flat() is not None


def test_too_few_releases_have_no_length_to_be_flat_on() -> None:
    found = evidence([0.5] * 3, 1e-6)
    assert list(found.lengths) == []
    assert found.flat() is None


_MEANS = st.lists(st.floats(0.1, 0.9), min_size=4, max_size=10)


@settings(max_examples=80, deadline=None)
@given(means=_MEANS, sigma=st.floats(1e-4, 0.05), shift=st.floats(-0.1, 0.1))
def test_no_test_hangs_on_the_level_of_the_product(
    means: list[float], sigma: float, shift: float
) -> None:
    here, there = evidence(means, sigma), evidence([m + shift for m in means], sigma)
    assert here.best().ratio == pytest.approx(there.best().ratio, abs=1e-6)
    assert here.worst().ratio == pytest.approx(there.worst().ratio, abs=1e-6)
    for length in here.lengths:
        assert here.bound(length) == pytest.approx(there.bound(length), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(means=_MEANS, sigma=st.floats(1e-4, 0.05))
def test_less_noise_never_widens_a_bound_nor_weakens_a_sign(
    means: list[float], sigma: float
) -> None:
    noisy, calm = evidence(means, sigma), evidence(means, sigma / 2)
    for length in noisy.lengths:
        assert calm.bound(length) < noisy.bound(length)
    assert abs(calm.best().ratio) >= abs(noisy.best().ratio) - 1e-9


@settings(max_examples=80, deadline=None)
@given(means=_MEANS, sigma=st.floats(1e-4, 0.05), delta=st.floats(0.01, 0.2))
def test_no_trend_is_flat_and_clearly_moving_at_once(
    means: list[float], sigma: float, delta: float
) -> None:
    found = evidence(means, sigma, delta=delta)
    if found.flat() is not None:
        assert not found.rises(Parameters().alpha_i)
        assert not found.falls(Parameters().alpha_r)


@settings(max_examples=50, deadline=None)
@given(means=_MEANS, sigma=st.floats(1e-4, 0.02), scale=st.floats(0.2, 0.9))
def test_scores_delta_and_errors_in_another_unit_tell_the_same(
    means: list[float], sigma: float, scale: float
) -> None:
    here = evidence(means, sigma)
    there = evidence([m * scale for m in means], sigma * scale, delta=DELTA * scale)
    for length in here.lengths:
        assert there.bound(length) == pytest.approx(here.bound(length) * scale, rel=1e-9)
    assert there.best().ratio == pytest.approx(here.best().ratio, rel=1e-6, abs=1e-9)


FLOOR = 0.2 * DELTA


@pytest.mark.parametrize(
    ("means", "why"),
    [
        ([0.5, 0.7, 0.5, 0.7, 0.5], "fewer than six releases show nothing"),
        ([0.5] * 8, "nothing moved"),
        ([0.40 + 0.03 * r for r in range(8)], "a trend is no wobble"),
        ([0.5] * 4 + [0.7] * 4, "nor is one step"),
    ],
)
def test_repeatability_is_at_its_floor_where_releases_do_not_wobble(
    means: list[float], why: str
) -> None:
    assert repeatability(panel(means), DELTA, Parameters()) == pytest.approx(FLOOR), why


def test_repeatability_is_what_successive_differences_leave_beyond_sampling() -> None:
    """Seven means, differences +.04 and -.04 in turn: their MAD is .04 around a median of 0."""
    means, sigma = [0.5, 0.54] * 3 + [0.5], 0.01
    spread, sampling = 0.04 / 0.6745, 2 * sigma**2
    expected = math.sqrt((spread**2 / 1.3 - sampling) / 2)
    found = repeatability(panel(means, sigma), DELTA, Parameters())
    assert expected > FLOOR
    assert found == pytest.approx(expected, rel=1e-9)


def test_sampling_noise_as_large_as_the_wobble_explains_it() -> None:
    means = [0.5, 0.54] * 3 + [0.5]
    assert repeatability(panel(means, 0.04), DELTA, Parameters()) == pytest.approx(FLOOR)


@pytest.mark.parametrize("tau", [0.0, 0.001, 0.05])
def test_a_measured_repeatability_stands_before_any_estimate(tau: float) -> None:
    wild = panel([0.5, 0.8] * 5)
    assert repeatability(wild, DELTA, Parameters(tau=tau)) == tau


def test_repeatability_widens_what_is_shown() -> None:
    calm = evidence([0.5] * 8, 0.005)
    wobbling = msgspec.structs.replace(calm, panel=panel([0.5] * 8, 0.005, tau=0.01))
    assert wobbling.slope(4).error == pytest.approx(
        math.sqrt(9 / 5) * math.hypot(0.005, 0.01), rel=1e-9
    )
