"""Improving, plateaued, regressed, or not to be told yet and at what price: the trend verdict."""

from typing import Literal, TypedDict

import msgspec
import polars as pl
from scipy.special import ndtri

from headrace.evals.judges.calibration import Calibration, Labels, calibrate
from headrace.evals.statistics.contrast import Contrast
from headrace.evals.statistics.evidence import Evidence, repeatability
from headrace.evals.statistics.needs import Needs, Plan
from headrace.evals.statistics.parameters import Parameters, check
from headrace.evals.statistics.window import Window, comparable, look

ALGORITHM = "headrace.plateau/2"

State = Literal["improving", "plateaued", "regressed", "inconclusive"]
Reason = Literal[
    "one release",
    "too few releases",
    "too few shared cases",
    "missing data",
    "saturated",
    "underpowered",
    "untrusted judge",  # said by `trend`, which knows the labels: no verdict at all
]


class TrendVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A state with its evidence. Gains are per `window` releases, on the scale of the scores.

    Below `min_n` shared cases, or with one release, there may be no estimate at all.
    """

    state: State
    reason: Reason | None  # why it is inconclusive
    gain: float | None
    low: float | None  # the interval at the level the state used
    high: float | None
    mde: float | None  # smallest true gain that would show as improving with 80 % power
    certifiable_delta: float | None  # smallest delta that these scores certify as a plateau
    needs: Needs | None  # None: decided, or nothing to plan with
    n: int  # shared cases
    clusters: int
    releases: int  # measured
    length: int  # releases of the comparable window
    delta: float  # as asked for
    window: int
    share: float  # of every level, spent at this look
    absent: float  # share of attempts without a score
    tau: float | None
    judge: Calibration | None  # None: not calibrated
    signature: str  # same signature, same verdict


def judge_trend(
    scores: pl.DataFrame,
    *,
    delta: float,
    window: int = 3,
    binary: bool | None = None,
    calibration: Labels | None = None,
    parameters: Parameters | None = None,
) -> TrendVerdict:
    """Judge the newest release of one series against those before it. Pure: no clock, no chance.

    `scores` has a row per attempt: `release` (ordered integer), `run`, `case_id`, `cluster`,
    `epoch`, `value` in [0, 1] with null where absent. `delta` is the smallest gain per `window`
    releases that pays for the work. `calibration` pairs 0/1 labels: {"human": .., "judge": ..}.
    Raises UnfitScores, UnfitParameters.
    """
    check(delta, window)
    levels = parameters or Parameters()
    judge = None if calibration is None else calibrate(calibration, confidence=levels.judge_conf)
    seen = look(scores, window=window, levels=levels, binary=binary)
    task = _Task(
        delta=float(delta), window=int(window), share=seen.share, levels=levels, judge=judge
    )
    return task.judge_window(seen.window)


class _Estimate(TypedDict):
    gain: float | None
    low: float | None
    high: float | None
    mde: float | None
    certifiable_delta: float | None


class _Finding(msgspec.Struct, frozen=True, kw_only=True):
    state: State
    reason: Reason | None = None


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the scores."""

    delta: float
    window: int
    share: float
    levels: Parameters
    judge: Calibration | None

    @property
    def youden(self) -> float:
        return 1.0 if self.judge is None else self.judge.youden

    @property
    def shown(self) -> float:
        """delta as it shows through the judge: a noisy one must not manufacture plateaus."""
        return self.delta * self.youden

    def judge_window(self, part: Window) -> TrendVerdict:
        evidence = self.evidence(part)
        finding = self.finding(part, evidence)
        if self.hidden(part, finding):
            finding = _Finding(state="inconclusive", reason="missing data")
        return self.verdict(part, evidence, finding)

    def evidence(self, part: Window) -> Evidence | None:
        """None where no error can be estimated."""
        if part.length < 2 or part.clusters < 2:
            return None
        panel = part.panel
        tau = repeatability(panel, self.shown, self.levels)
        return Evidence(
            panel=msgspec.structs.replace(panel, tau=tau),
            window=self.window,
            delta=self.shown,
            share=self.share,
            levels=self.levels,
        )

    def finding(self, part: Window, evidence: Evidence | None) -> _Finding:
        if part.history.measured < 2:
            nothing = part.absent == 1
            return _Finding(
                state="inconclusive", reason="missing data" if nothing else "one release"
            )
        if part.cases < self.levels.min_n:
            return _Finding(state="inconclusive", reason="too few shared cases")
        if evidence is None:
            return _Finding(state="inconclusive", reason="underpowered")
        return self.moved(evidence) or self.still(evidence)

    def moved(self, evidence: Evidence) -> _Finding | None:
        rises, falls = evidence.rises(self.levels.alpha_i), evidence.falls(self.levels.alpha_r)
        if falls and not (rises and evidence.best().ratio > -evidence.worst().ratio):
            return _Finding(state="regressed")
        if rises and evidence.flat() is None:
            return _Finding(state="improving")
        return None

    def still(self, evidence: Evidence) -> _Finding:
        saturated = evidence.panel.means[-1] > self.top - self.levels.ceiling * self.shown
        if evidence.flat() is not None and not saturated:
            return _Finding(state="plateaued")
        if saturated:
            return _Finding(state="inconclusive", reason="saturated")
        short = evidence.releases < self.window + 1
        return _Finding(
            state="inconclusive", reason="too few releases" if short else "underpowered"
        )

    @property
    def top(self) -> float:
        """The best mean that can show: through a judge it is his sensitivity."""
        return 1.0 if self.judge is None else self.judge.sensitivity

    def hidden(self, part: Window, finding: _Finding) -> bool:
        """Whether scores absent from the newest release could turn the state, or are its reason."""
        if part.absent <= self.levels.max_absent or part.history.measured < 2:
            return False
        parts = [self.filled(part, value) for value in (0.0, 1.0)]
        found = [self.finding(whole, self.evidence(whole)) for whole in parts]
        if finding.reason == "too few shared cases":
            return all(other.reason != finding.reason for other in found)
        return {other.state for other in found} != {finding.state}

    def filled(self, part: Window, value: float) -> Window:
        whole = part.history.filled(value)
        return comparable(whole, at_least=self.window + 1, keep=self.levels.min_keep)

    def verdict(self, part: Window, evidence: Evidence | None, finding: _Finding) -> TrendVerdict:
        return TrendVerdict(
            state=finding.state,
            reason=finding.reason,
            **self.estimate(evidence, finding.state),
            needs=self.needs(part, evidence, finding),
            n=part.cases,
            clusters=part.clusters,
            releases=part.history.measured,
            length=part.length,
            delta=self.delta,
            window=self.window,
            share=self.share,
            absent=part.absent,
            tau=None if evidence is None else evidence.panel.tau,
            judge=self.judge,
            signature=part.history.digest(ALGORITHM, self),
        )

    def estimate(self, evidence: Evidence | None, state: State) -> _Estimate:
        if evidence is None:
            return _Estimate(gain=None, low=None, high=None, mde=None, certifiable_delta=None)
        shown, level = self.evidenced(evidence, state)
        half = evidence.quantile(level) * shown.error
        power = evidence.quantile(self.levels.alpha_i) + float(ndtri(self.levels.power))
        bounds = [evidence.bound(length) for length in evidence.lengths]
        return _Estimate(
            gain=shown.estimate,
            low=shown.estimate - half,
            high=shown.estimate + half,
            mde=power * evidence.best().error / self.youden,
            certifiable_delta=min(bounds) / self.youden if bounds else None,
        )

    def evidenced(self, evidence: Evidence, state: State) -> tuple[Contrast, float]:
        """The contrast that the state rests on, and its level."""
        if state == "improving":
            return evidence.best(), self.levels.alpha_i
        if state == "regressed":
            return evidence.worst(), self.levels.alpha_r
        if not evidence.lengths:
            return evidence.best(), self.levels.alpha_p
        flattest = evidence.flat() or min(evidence.lengths, key=evidence.bound)
        return evidence.slope(flattest), self.levels.alpha_p

    def needs(self, part: Window, evidence: Evidence | None, finding: _Finding) -> Needs | None:
        if evidence is None or finding.state != "inconclusive":
            return None
        if finding.reason == "saturated":
            return Needs()  # more of a suite near its top shows no more
        plan = Plan(
            panel=evidence.panel,
            within=part.within,
            delta=self.shown,
            window=self.window,
            levels=self.levels,
        )
        return plan.needs()
