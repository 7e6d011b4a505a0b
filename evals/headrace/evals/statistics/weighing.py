"""How two releases are weighed against each other: state, evidence, slices, flips."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import msgspec
import numpy as np

from headrace.evals.statistics.comparison import (
    Comparison,
    Flip,
    Reason,
    SliceComparison,
    State,
    Test,
)
from headrace.evals.statistics.discovery import adjusted
from headrace.evals.statistics.needs import Needs
from headrace.evals.statistics.pair import Pair
from headrace.evals.statistics.sides import Sides
from headrace.evals.statistics.window import Window

ALGORITHM = "headrace.compare/2"
LEVEL = 0.95
FLIP = 0.5  # a change of a case's mean that counts as a flip
MIN_CASES = 20  # that a t test, and a slice, must share
MAX_ABSENT = 0.05  # share of absent scores above which both extremes are tried
LARGE = 0.10  # share of a slice from which on it has a say in non-inferiority
_ALPHA = 0.05


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    state: State
    reason: Reason | None = None


class _Estimate(TypedDict):
    difference: float | None
    low: float | None
    high: float | None
    test: Test | None
    p: float | None
    mcnemar_p: float | None
    equivalence_p: float | None
    mean_a: float | None
    mean_b: float | None
    epochs: float | None


class _LeftOut(TypedDict):
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    unmeasured: tuple[str, ...]
    absent_a: int
    absent_b: int


_NOTHING = _Estimate(
    difference=None,
    low=None,
    high=None,
    test=None,
    p=None,
    mcnemar_p=None,
    equivalence_p=None,
    mean_a=None,
    mean_b=None,
    epochs=None,
)


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a comparison rests on but the scores."""

    delta: float
    binary: bool | None
    tau: float
    traffic: Mapping[str, float] | None
    same: bool

    def compared(self, sides: Sides) -> Comparison:
        window = sides.window(self.binary)
        pair = self.pair(window)
        found = self.found(pair)
        if self.is_hidden(sides, found):
            found = _Found(state="undecided", reason="missing data")
        cases = _shared(window)
        of = [sides.slices.get(case) for case in cases]
        parts = () if pair is None else self.slices(pair, of, found.state)
        flips = () if pair is None else _flips(cases, of, pair)
        return Comparison(
            a=sides.names[0],
            b=sides.names[1],
            state=found.state,
            reason=found.reason,
            level=LEVEL,
            delta=self.delta,
            fixed=sum(flip.after > flip.before for flip in flips),
            broken=sum(flip.after < flip.before for flip in flips),
            flips=flips,
            n=window.cases,
            clusters=window.clusters,
            slices=parts,
            non_inferior=pair is not None and self.is_non_inferior(pair, parts),
            needs=self.needs(pair, found),
            tau=self.tau,
            signature=window.history.digest(ALGORITHM, self, sorted(sides.slices.items())),
            **(_NOTHING if pair is None else self.estimate(pair)),
            **_left_out(sides, cases),
        )

    def pair(self, window: Window) -> Pair | None:
        """None where no error can be estimated."""
        return Pair.of(window, tau=self.tau) if window.clusters >= 2 else None

    def found(self, pair: Pair | None) -> _Found:
        if pair is None or not (pair.is_exact or pair.cases >= MIN_CASES):
            return _Found(state="undecided", reason="too few shared cases")
        if self.is_moved(pair) and not self.same:
            return _Found(state="better" if pair.difference.estimate > 0 else "worse")
        if pair.is_within(self.delta, level=_ALPHA):
            return _Found(state="equivalent")
        why: Reason = "one configuration" if self.same else "underpowered"
        return _Found(state="undecided", reason=why)

    def is_moved(self, pair: Pair) -> bool:
        """A release that wobbles must show more than its cases alone can tell."""
        return max(pair.chance, pair.student if self.tau else 0.0) < _ALPHA

    def is_hidden(self, sides: Sides, found: _Found) -> bool:
        """Whether absent scores could turn the state."""
        if found.reason is not None or sides.absent_share <= MAX_ABSENT:
            return False
        states = {self.found(self.pair(s.window(self.binary))).state for s in sides.extremes()}
        return states != {found.state}

    def needs(self, pair: Pair | None, found: _Found) -> Needs | None:
        if pair is None or found.reason in (None, "one configuration"):
            return None
        return pair.needs(self.delta)

    def estimate(self, pair: Pair) -> _Estimate:
        found, half = pair.difference, pair.half_width(_ALPHA / 2)
        before, after = pair.means.mean(axis=0)
        return _Estimate(
            difference=found.estimate,
            low=found.estimate - half,
            high=found.estimate + half,
            test="exact McNemar" if pair.is_exact else "cluster-robust t",
            p=pair.chance,
            mcnemar_p=pair.mcnemar,
            equivalence_p=pair.equivalence(self.delta),
            mean_a=float(before),
            mean_b=float(after),
            epochs=pair.epochs,
        )

    def slices(
        self, pair: Pair, of: Sequence[str | None], total: State
    ) -> tuple[SliceComparison, ...]:
        """Each slice, judged over all that share enough cases; those against the total first."""
        names = np.array([name or "" for name in of])
        parts = {name: pair.part(names == name) for name in sorted(set(names.tolist()) - {""})}
        tested = [n for n, part in parts.items() if part.cases >= MIN_CASES and part.groups > 1]
        rates = dict(zip(tested, adjusted([parts[n].chance for n in tested]), strict=True))
        rows = [
            self.slice(
                name,
                part,
                share=part.cases / pair.cases,
                rate=rates.get(name),
                tests=len(tested),
            )
            for name, part in parts.items()
        ]
        return tuple(sorted(rows, key=lambda row: (*_place(row.state, total), row.name)))

    def slice(
        self, name: str, part: Pair, *, share: float, rate: float | None, tests: int
    ) -> SliceComparison:
        estimate = float(part.change.mean())
        half = part.half_width(_ALPHA / 2) if part.groups > 1 else None
        state: State = "undecided"
        if rate is not None and rate < _ALPHA and not self.same:
            state = "better" if estimate > 0 else "worse"
        elif rate is not None and part.is_within(self.delta, level=_ALPHA / tests):
            state = "equivalent"
        return SliceComparison(
            name=name,
            state=state,
            n=part.cases,
            clusters=part.groups,
            share=share if self.traffic is None else self.traffic.get(name, 0.0),
            difference=estimate,
            low=None if half is None else estimate - half,
            high=None if half is None else estimate + half,
            p=None if rate is None else part.chance,
            q=rate,
        )

    def is_non_inferior(self, pair: Pair, parts: Sequence[SliceComparison]) -> bool:
        """Whether B may replace A for its cost or speed."""
        low = pair.difference.estimate - pair.half_width(_ALPHA / 2)
        return low > -self.delta and all(
            part.low is not None and part.low > -2 * self.delta
            for part in parts
            if part.share >= LARGE
        )


def _shared(window: Window) -> list[str]:
    named = zip(window.history.cases, window.shared, strict=True)
    return [case for case, shared in named if shared]


def _flips(cases: Sequence[str], of: Sequence[str | None], pair: Pair) -> tuple[Flip, ...]:
    """Broken cases first, the largest change first."""
    rows = zip(cases, of, pair.means.tolist(), strict=True)
    flips = [
        Flip(case_id=case, slice=name, before=before, after=after)
        for case, name, (before, after) in rows
        if abs(after - before) >= FLIP
    ]
    return tuple(sorted(flips, key=lambda flip: (flip.after - flip.before, flip.case_id)))


def _place(state: State, total: State) -> tuple[int, bool]:
    """Movement against the total first, then other movement; in each of them the worse first."""
    if state in ("better", "worse"):
        return (1 if state == total else 0), state == "better"
    return 2, False


def _left_out(sides: Sides, shared: Sequence[str]) -> _LeftOut:
    a, b = sides.asked(0), sides.asked(1)
    absent_a, absent_b = sides.absent
    return _LeftOut(
        only_a=tuple(sorted(a - b)),
        only_b=tuple(sorted(b - a)),
        unmeasured=tuple(sorted((a & b) - set(shared))),
        absent_a=absent_a,
        absent_b=absent_b,
    )
