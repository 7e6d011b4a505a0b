"""The bounds that a verdict has to keep: false claims at any look, and hits."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from histories.scoring import Rates


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    scenario: str
    size: dict[str, Any]  # n, E, kind, clusters
    false_plateau: float | None = None  # at most
    false_improvement: float | None = None
    hits: Mapping[str, float] = MappingProxyType({})  # truth: at least
    nightly: bool = False  # an epoch a night, and a look

    def judge(self, rates: Rates) -> Iterator[tuple[str, float, str, bool]]:
        """Figure, what was measured, bound and whether it holds.

        It fails only where the Wilson interval of the rate lies wholly beyond: chance alone does
        not fail a right rule.
        """
        count = len(rates.tallies)
        bounds = {"plateaued": self.false_plateau, "improving": self.false_improvement}
        for claim, most in bounds.items():
            found = rates.ever_false(claim)
            if most is not None and found is not None:
                holds = wilson(found, count)[0] <= most
                yield f"falsely {claim}", found, f"at most {most:g}", holds
        for truth, least in self.hits.items():
            found = rates.hits(truth)
            if found is not None:
                yield f"hit {truth}", found, f"at least {least:g}", wilson(found, count)[1] >= least


def wilson(share: float, count: int) -> tuple[float, float]:
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    half /= 1 + z * z / count
    return middle - half, middle + half


def _bound(
    scenario: str,
    size: dict[str, Any],
    plateau: float | None,
    improvement: float | None,
    *,
    nightly: bool = False,
    **hits: float,
) -> Bound:
    return Bound(
        scenario=scenario,
        size=size,
        false_plateau=plateau,
        false_improvement=improvement,
        hits=hits,
        nightly=nightly,
    )


BOUNDS = (
    _bound("steady_1x", {"n": 200, "E": 4}, 0.05, None),  # gains exactly delta per window
    _bound("steady_1x", {"n": 1000, "E": 2}, 0.05, None),
    _bound("steady_1x", {"n": 100, "E": 1, "kind": "continuous"}, 0.05, None),
    _bound("steady_1x", {"n": 400, "E": 2, "clusters": 40}, 0.05, None),
    _bound("steady_2x", {"n": 200, "E": 4}, 0.02, None, improving=0.80),
    _bound("steady_3x", {"n": 500, "E": 4}, 0.02, None, improving=0.95),
    _bound("step_up_1x", {"n": 500, "E": 4}, 0.05, None),  # a breakthrough of exactly delta
    _bound("step_up", {"n": 200, "E": 4}, 0.05, 0.05),
    _bound("late_takeoff", {"n": 500, "E": 4}, 0.05, 0.05, improving=0.80),
    _bound("regression", {"n": 200, "E": 4}, 0.05, 0.05),
    _bound("regression", {"n": 1000, "E": 4}, 0.05, 0.05, regressed=0.90),
    _bound("slow_regression", {"n": 1000, "E": 2}, 0.05, 0.05),
    _bound("v_shape", {"n": 500, "E": 4}, 0.05, 0.05, regressed=0.90),
    _bound("ceiling", {"n": 200, "E": 4}, 0.05, None),
    _bound("judge_noise", {"n": 500, "E": 2}, 0.05, None),
    _bound("suite_change", {"n": 400, "E": 2}, 0.05, None, improving=0.80),
    _bound("suite_change_flat", {"n": 400, "E": 2}, None, 0.05),
    _bound("missing_mnar", {"n": 400, "E": 2}, 0.05, None, improving=0.80),
    _bound("flat", {"n": 30, "E": 1}, None, 0.05),
    _bound("flat", {"n": 20, "E": 1, "kind": "continuous"}, None, 0.05),
    _bound("flat", {"n": 400, "E": 2, "clusters": 40}, None, 0.05),
    _bound("flat", {"n": 200, "E": 4, "clusters": 10}, None, 0.05),
    _bound("noisy_plateau", {"n": 400, "E": 4}, None, 0.05),
    _bound("slow_drift", {"n": 500, "E": 4}, None, 0.05),
    _bound("flat", {"n": 500, "E": 4}, None, 0.05, plateaued=0.90),
    _bound("improve_then_plateau", {"n": 500, "E": 4}, 0.05, 0.05, plateaued=0.80, improving=0.90),
    _bound("steady_1x", {"n": 200, "E": 8}, 0.05, None, nightly=True),
    _bound("flat", {"n": 200, "E": 8}, None, 0.05, nightly=True, plateaued=0.80),
)
