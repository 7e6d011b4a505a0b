"""The numbers of the plateau verdict and what each of them buys."""

from numbers import Real

import msgspec

from headrace.evals.errors import EvalError


class UnfitParameters(EvalError):
    """A delta, window or calibration that no verdict can be based on."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Levels are one-sided and chosen so that a false claim at any of 12 looks stays near 5 %."""

    alpha_p: float = 0.0125  # rate equivalence, each side
    alpha_g: float = 0.04  # recent-step guard, upper side: protects a breakthrough
    alpha_gl: float = 0.15  # lower side: looser, as regression and veto act there too
    alpha_i: float = 0.002  # improvement: 3 contrasts x about 10 looks
    alpha_r: float = 0.002  # regression
    veto: float = 0.05  # weak evidence of a fresh rise or drop blocks `plateaued`
    m_max: int = 10  # longest window, releases
    rel_min: float = 0.75  # a claim of movement is at least so large, in units of delta
    min_n: int = 20  # shared cases
    min_keep: float = 0.7  # the window is cut where fewer of its cases are shared
    tau: float | None = None  # repeatability of a release; None: estimated
    tau_floor: float = 0.2  # of the estimate, in units of delta
    ceiling: float = 2.0  # saturated within so many delta of the top
    judge_conf: float = 0.90  # one-sided confidence of the judge's Youden J
    interim: float = 0.25  # share of each level spent before the planned epochs are in
    max_absent: float = 0.05  # share of absent scores above which both extremes are tried
    power: float = 0.80  # of `mde` and `needs`

    def __post_init__(self) -> None:
        """Raises UnfitParameters where a measured tau is no spread of means on the scale."""
        if self.tau is not None and not 0 <= self.tau < 1:
            raise UnfitParameters(
                f"tau {self.tau!r} is no spread on a scale from 0 to 1: give the standard "
                "deviation of a release's mean when it is measured again, 0.01 for a point"
            )


def check(delta: float, window: int) -> None:
    """Raises UnfitParameters where delta is no gain on the scale or window no number of steps."""
    if not (isinstance(delta, Real) and 0 < delta < 1):
        raise UnfitParameters(
            f"delta {delta!r} is no gain on a scale from 0 to 1: "
            "give the smallest gain that pays for the work, 0.03 for three points"
        )
    if not (isinstance(window, Real) and window >= 1 and window == window // 1):
        raise UnfitParameters(f"window {window!r} is no number of releases: give 1 or more")
