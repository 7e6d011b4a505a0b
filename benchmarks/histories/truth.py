"""Ways of a product over its releases: the true mean quality of each, made up and so known."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Path = Callable[[NDArray[np.int64], float, int], Floats]  # releases, delta, window -> means


def steady(base: float, times: float) -> Path:
    """Gains `times` delta per window."""
    return lambda t, d, h: base + times * d / h * t


def flat(level: float) -> Path:
    return lambda t, d, h: np.full(len(t), level)


def step_up(base: float, times: float) -> Path:
    """Flat but for one breakthrough at the eighth release."""
    return lambda t, d, h: np.where(t < 7, base, base + times * d)


def regression(t: NDArray[np.int64], d: float, h: int) -> Floats:
    """Slow drift, then a bad release of -2 delta that stays."""
    drift = 0.66 + 0.25 * d / h * np.minimum(t, 8)
    return np.where(t < 8, drift, drift - 2 * d)


def v_shape(t: NDArray[np.int64], d: float, h: int) -> Floats:
    """A drop of 3 delta and recovery over 3 releases."""
    return 0.70 - np.where((t >= 5) & (t < 9), 3 * d * (1 - (t - 5) / 4), 0)


# Gains of exactly delta per window are the least favourable truth for a plateau.
PATHS = MappingProxyType[str, Path](
    {
        "steady_1x": steady(0.62, 1),
        "steady_2x": steady(0.55, 2),
        "steady_3x": steady(0.50, 3),
        "improve_then_plateau": lambda t, d, h: 0.55 + (2.5 * d / h) * np.minimum(t, 4),
        "flat": flat(0.70),
        "flat_low": flat(0.35),
        "slow_drift": steady(0.68, 0.25),  # real but below relevance: a plateau
        "step_up": step_up(0.62, 2),
        "step_up_1x": step_up(0.64, 1),
        "late_takeoff": lambda t, d, h: 0.60 + (2 * d / h) * np.maximum(0, t - 7),
        "regression": regression,
        "slow_regression": steady(0.80, -1),
        "v_shape": v_shape,
        "noisy_plateau": flat(0.68),  # and every release wobbles by delta/4
        "ceiling": lambda t, d, h: 0.975 + 0.012 * (1 - np.exp(-t / 6.0)),
        "judge_noise": steady(0.52, 2),  # seen through a judge whose Youden J is 0.7
        "judge_noise_flat": flat(0.65),
        "suite_change": steady(0.60, 2),  # the suite gets harder cases half way
        "suite_change_flat": flat(0.70),
        "missing_mnar": steady(0.58, 2),  # hard cases time out more often
    }
)


def truth(means: Floats, release: int, *, saturated: bool, delta: float, window: int) -> str:
    """The right word after a release; in the grey zone between delta/2 and delta there is none."""
    hair = 1e-9
    if saturated:
        return "saturated"
    first = max(0, release - window)
    if release > first and means[release] <= means[first:release].max() - delta + hair:
        return "regressed"
    if means[release] - means[first] >= delta - hair:
        return "improving"
    if release >= window and np.ptp(means[first : release + 1]) <= delta / 2 + hair:
        return "plateaued"
    return "ambiguous"
