import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from headrace.evals.races.confidence import half_width, sequence, student


def alone(cases: int) -> NDArray[np.intp]:
    return np.arange(cases, dtype=np.intp)


def test_the_width_is_that_of_the_formula() -> None:
    # by hand: r = (-2 ln .05 + ln(1 - 2 ln .05)) / 100
    rate = (5.991464547 + math.log(6.991464547)) / 100
    want = math.sqrt(0.3 * 2 * (200 * rate + 1) / (200**2 * rate))
    want *= math.sqrt(math.log(math.sqrt(200 * rate + 1) / 0.05))
    assert half_width(200, 0.3, 0.05) == pytest.approx(want, rel=1e-9)


def test_a_sequence_is_wider_than_a_single_look_and_narrows_with_cases() -> None:
    widths = [half_width(n, 0.3, 0.05) for n in (50, 100, 400, 1600)]
    single = [stats.norm.isf(0.05) * math.sqrt(0.3 / n) for n in (50, 100, 400, 1600)]
    assert widths == sorted(widths, reverse=True)
    assert all(1.5 < ours / theirs < 3 for ours, theirs in zip(widths, single, strict=True))


def test_the_truth_is_missed_at_any_look_no_oftener_than_said() -> None:
    rng = np.random.default_rng(20)
    above = below = 0
    for _ in range(400):
        draws = (rng.random(600) < 0.75).astype(float) - (rng.random(600) < 0.65)
        looks = [sequence(draws[:n], alone(n), level=0.05) for n in range(50, 601, 25)]
        above += any(look.high < 0.1 for look in looks)
        below += any(look.low > 0.1 for look in looks)
    assert max(above, below) <= 400 * 0.05


def test_clusters_that_answer_alike_are_missed_no_oftener() -> None:
    rng = np.random.default_rng(21)
    codes = np.repeat(alone(60), 10)
    missed = 0
    for _ in range(300):
        draws = np.repeat(rng.choice([-1.0, 0.0, 1.0], size=60), 10)
        looks = [sequence(draws[:n], codes[:n], level=0.05) for n in range(50, 601, 25)]
        missed += any(look.high < 0 for look in looks)
    assert missed <= 300 * 0.05


def test_copies_within_a_cluster_tell_nothing_new() -> None:
    draws = np.array([1.0, 0.0, 0.0, -1.0] * 20)
    once = sequence(draws, alone(80), level=0.01)
    thrice = sequence(np.repeat(draws, 3), np.repeat(alone(80), 3), level=0.01)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert (thrice.cases, thrice.clusters) == (240, 80)


@pytest.mark.parametrize("interval", [sequence, student])
def test_differences_that_are_all_equal_prove_nothing(interval: object) -> None:
    assert callable(interval)
    found = interval(np.zeros(60), alone(60), level=0.05)
    assert found.low < 0 < found.high


@pytest.mark.parametrize("interval", [sequence, student])
def test_one_cluster_tells_nothing(interval: object) -> None:
    assert callable(interval)
    found = interval(np.array([1.0, 0.0, 1.0]), np.zeros(3, dtype=np.intp), level=0.05)
    assert (found.low, found.high, found.clusters) == (-1.0, 1.0, 1)


def test_the_single_look_is_students_but_for_two_pseudo_cases() -> None:
    draws = np.random.default_rng(3).uniform(-1, 1, 400)
    ours = student(draws, alone(400), level=0.05)
    theirs = stats.ttest_1samp(draws, 0).confidence_interval(0.90)
    assert ours.low == pytest.approx(theirs.low, abs=2e-4)
    assert ours.high == pytest.approx(theirs.high, abs=2e-4)
