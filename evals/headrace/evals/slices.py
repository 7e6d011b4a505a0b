"""The trend within each slice: which ones move, false discoveries kept rare over all of them.

A slice is improving or regressed where its strongest contrast counts among those of all slices at
a false discovery rate of 5 %, and plateaued by its own test with the levels divided by the number
of slices. There is no smallest size of a movement: its estimate stands beside it.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np
import polars as pl

from headrace.evals.judges.calibration import Calibration
from headrace.evals.statistics.contrast import Contrast
from headrace.evals.statistics.discovery import adjusted
from headrace.evals.statistics.evidence import Evidence, repeatability
from headrace.evals.statistics.history import Flags, History
from headrace.evals.statistics.parameters import Parameters
from headrace.evals.statistics.sides import slices_of
from headrace.evals.statistics.window import Window, comparable, look

Q = 0.05  # false discovery rate over slices

State = Literal["improving", "plateaued", "regressed", "inconclusive"]
Reason = Literal[
    "epochs to come", "too few shared cases", "too few releases", "saturated", "underpowered"
]


class SliceTrend(msgspec.Struct, frozen=True, kw_only=True):
    """A slice with its state over all slices; gains are per `window` releases.

    The interval is at the level that the state used; without enough shared cases there is none.
    """

    name: str
    state: State
    reason: Reason | None  # why it is inconclusive
    against: bool  # moves, and not as the total does
    n: int  # shared cases
    clusters: int
    length: int  # releases of its comparable window
    gain: float | None
    low: float | None
    high: float | None
    p: float | None  # of no movement, over its contrasts
    q: float | None  # the false discovery rate at which it counts


def judge_slices(
    scores: pl.DataFrame,
    *,
    delta: float,
    total: State,
    window: int = 3,
    binary: bool | None = None,
    judge: Calibration | None = None,
    parameters: Parameters | None = None,
) -> tuple[SliceTrend, ...]:
    """Every slice of the column `slice` by itself, those that move against the `total` first.

    `scores` and the rest as for `judge_trend`; cases without a slice are in none. Only full
    epochs are judged: p-values of slices know no look schedule. Raises UnfitScores.
    """
    of = slices_of(scores)
    if not of:
        return ()
    levels = parameters or Parameters()
    seen = look(scores, window=window, levels=levels, binary=binary).window.history
    task = _Slices(
        window=window,
        delta=delta * (1.0 if judge is None else judge.youden),
        top=1.0 if judge is None else judge.sensitivity,
        levels=levels,
        total=total,
        is_full=_is_full(seen),
    )
    return task.judged(_parts(seen, of, task))


def _is_full(seen: History) -> bool:
    *earlier, newest = seen.epochs_per_release
    return not earlier or newest >= int(np.median(earlier))


def _parts(seen: History, of: Mapping[str, str], task: "_Slices") -> dict[str, Window]:
    """The comparable window of each slice, by name."""
    names = np.array([of.get(case, "") for case in seen.cases])
    return {
        name: comparable(
            _only(seen, names == name), at_least=task.window + 1, keep=task.levels.min_keep
        )
        for name in sorted(set(names.tolist()) - {""})
    }


def _only(seen: History, cases: Flags) -> History:
    return msgspec.structs.replace(
        seen,
        values=seen.values[cases],
        asked=seen.asked[cases],
        clusters=seen.clusters[cases],
        cases=tuple(name for name, keep in zip(seen.cases, cases, strict=True) if keep),
    )


class _Slices(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the scores."""

    window: int
    delta: float  # as it shows through the judge
    top: float  # the best mean that can show
    levels: Parameters
    total: State
    is_full: bool

    def judged(self, parts: Mapping[str, Window]) -> tuple[SliceTrend, ...]:
        fit = [name for name, part in parts.items() if self.is_fit(part)]
        evidence = {name: self.evidence(parts[name], len(fit)) for name in fit}
        chances = [found.chance for found in evidence.values()] if self.is_full else []
        rates = dict(zip(evidence, adjusted(chances), strict=bool(chances)))
        moving = sum(rate < Q for rate in rates.values())
        rows = [
            self.slice(name, part, evidence.get(name), rates.get(name), moving / max(1, len(fit)))
            for name, part in parts.items()
        ]
        return tuple(sorted(rows, key=lambda row: (*_place(row), row.name)))

    def is_fit(self, part: Window) -> bool:
        return part.cases >= self.levels.min_n and part.clusters > 1 and part.length > 1

    def evidence(self, part: Window, slices: int) -> Evidence:
        """Of one slice, with its share of the levels of a plateau."""
        panel, levels = part.panel, self.levels
        tau = repeatability(panel, self.delta, levels)
        return Evidence(
            panel=msgspec.structs.replace(panel, tau=tau),
            window=self.window,
            delta=self.delta,
            share=1.0,
            levels=msgspec.structs.replace(
                levels, alpha_p=levels.alpha_p / slices, alpha_g=levels.alpha_g / slices
            ),
        )

    def slice(
        self,
        name: str,
        part: Window,
        evidence: Evidence | None,
        rate: float | None,
        moving: float,
    ) -> SliceTrend:
        """`moving`: the share of the slices that move, on which the level of each depends."""
        state, reason = self.finding(evidence, rate)
        shown, level = (None, 0.0) if evidence is None else _shown(evidence, state, moving)
        half = 0.0 if evidence is None or shown is None else evidence.quantile(level) * shown.error
        return SliceTrend(
            name=name,
            state=state,
            reason=reason,
            against=state in ("improving", "regressed") and state != self.total,
            n=part.cases,
            clusters=part.clusters,
            length=part.length,
            gain=None if shown is None else shown.estimate,
            low=None if shown is None else shown.estimate - half,
            high=None if shown is None else shown.estimate + half,
            p=None if evidence is None or rate is None else evidence.chance,
            q=rate,
        )

    def finding(self, evidence: Evidence | None, rate: float | None) -> tuple[State, Reason | None]:
        if evidence is None:
            return "inconclusive", "too few shared cases"
        if rate is None:
            return "inconclusive", "epochs to come"
        if rate < Q:
            return _direction(evidence), None
        if evidence.panel.means[-1] > self.top - self.levels.ceiling * self.delta:
            return "inconclusive", "saturated"
        if evidence.flat() is not None:
            return "plateaued", None
        short = evidence.releases < self.window + 1
        return "inconclusive", "too few releases" if short else "underpowered"


def _direction(evidence: Evidence) -> State:
    return "improving" if evidence.best().ratio > -evidence.worst().ratio else "regressed"


def _shown(evidence: Evidence, state: State, moving: float) -> tuple[Contrast, float]:
    """The contrast that a state rests on, and the level at which it does."""
    if state in ("improving", "regressed"):
        found = evidence.best() if state == "improving" else evidence.worst()
        return found, Q * moving / evidence.looked
    if not evidence.lengths:
        return evidence.best(), evidence.levels.alpha_p
    flattest = evidence.flat() or min(evidence.lengths, key=evidence.bound)
    return evidence.slope(flattest), evidence.levels.alpha_p


def _place(row: SliceTrend) -> tuple[int, bool]:
    """Movement against the total first, then other movement; in each of them regressions first."""
    moves = row.state in ("improving", "regressed")
    return (0 if row.against else 1 if moves else 2), row.state == "improving"
