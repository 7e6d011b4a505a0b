"""What a verdict may be asked for: a gain on the scale, a number of releases, fixed levels."""

import math
from typing import Any

import msgspec
import pytest

from headrace.evals.statistics.parameters import Parameters, UnfitParameters, check


@pytest.mark.parametrize("delta", [1e-9, 0.03, 0.5, math.nextafter(1, 0)])
@pytest.mark.parametrize("window", [1, 3, 100])
def test_a_gain_between_nothing_and_everything_can_be_asked_for(delta: float, window: int) -> None:
    check(delta, window)
    with pytest.raises(UnfitParameters):
        check(delta + 1, window)


@pytest.mark.parametrize("delta", [0.0, -0.03, 1.0, 3.0, math.inf, -math.inf, math.nan, None, "3"])
def test_a_delta_off_the_scale_is_refused_with_an_example(delta: Any) -> None:
    with pytest.raises(UnfitParameters, match=rf"delta {delta!r} is no gain .* 0\.03 for three"):
        check(delta, 3)


@pytest.mark.parametrize("window", [0, -1, 2.5, math.inf, None])
def test_a_window_of_no_release_is_refused(window: Any) -> None:
    with pytest.raises(UnfitParameters, match=f"window {window} is no number of releases"):
        check(0.03, window)


def test_the_defaults_are_those_whose_error_rates_were_measured() -> None:
    """Changed levels need the simulations anew: this test fails to remind of that."""
    assert msgspec.structs.asdict(Parameters()) == {
        "alpha_p": 0.0125,
        "alpha_g": 0.04,
        "alpha_gl": 0.15,
        "alpha_i": 0.002,
        "alpha_r": 0.002,
        "veto": 0.05,
        "m_max": 10,
        "rel_min": 0.75,
        "min_n": 20,
        "min_keep": 0.7,
        "tau": None,
        "tau_floor": 0.2,
        "ceiling": 2.0,
        "judge_conf": 0.90,
        "interim": 0.25,
        "max_absent": 0.05,
        "power": 0.80,
    }


@pytest.mark.parametrize("tau", [-0.01, 1.0, math.nan, math.inf])
def test_a_repeatability_off_the_scale_is_refused(tau: float) -> None:
    with pytest.raises(UnfitParameters, match=rf"tau {tau!r} is no spread .* 0\.01 for a point"):
        Parameters(tau=tau)
