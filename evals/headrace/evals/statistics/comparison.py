"""What a comparison of two releases found: B against A on the cases that both have scores of."""

from typing import Literal

import msgspec

from headrace.evals.statistics.needs import Needs

State = Literal["better", "worse", "equivalent", "undecided"]
Reason = Literal["too few shared cases", "missing data", "underpowered", "one configuration"]
Test = Literal["exact McNemar", "cluster-robust t"]


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A case whose mean score changed by half the scale or more."""

    case_id: str
    slice: str | None
    before: float
    after: float


class SliceComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The difference within one slice. Its state holds over all slices, its interval by itself."""

    name: str
    state: State
    n: int  # shared cases
    clusters: int
    share: float  # of the traffic, or where that is not known of the shared cases
    difference: float
    low: float | None  # 95 %; None: one cluster tells nothing
    high: float | None
    p: float | None  # of this slice alone; None: too few cases to be tested
    q: float | None  # the false discovery rate at which it counts


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A state with its evidence. Differences are B - A, on the scale of the scores.

    Without two independent shared cases there is no estimate at all.
    """

    a: str
    b: str
    state: State
    reason: Reason | None  # why it is undecided
    difference: float | None
    low: float | None
    high: float | None
    level: float  # of the interval
    test: Test | None
    p: float | None  # of no difference, by that test
    mcnemar_p: float | None  # exact; None unless every score is 0 or 1 and one attempt each
    equivalence_p: float | None  # of a difference of delta or more: two one-sided tests
    delta: float
    fixed: int  # flips from A to B, upward
    broken: int
    flips: tuple[Flip, ...]  # broken ones first, then by size
    mean_a: float | None  # over the shared cases
    mean_b: float | None
    n: int  # shared cases
    clusters: int
    epochs: float | None  # median attempts per case and release
    only_a: tuple[str, ...]  # cases that B was never asked
    only_b: tuple[str, ...]
    unmeasured: tuple[str, ...]  # cases that both were asked and one has no score of
    absent_a: int  # attempts without a score
    absent_b: int
    slices: tuple[SliceComparison, ...]  # those that move against the total first
    non_inferior: bool  # lower bound above -delta, and above -2 delta in each larger slice
    needs: Needs | None  # None: decided, or nothing to plan with
    tau: float
    signature: str  # same signature, same comparison
