"""May the winner of a race take the incumbent's place? The cases that picked it flatter it."""

from typing import Literal

import msgspec
import numpy as np

from headrace.evals.races.confidence import Interval, student
from headrace.evals.statistics.contrast import Codes, Floats

Basis = Literal["fresh", "raced"]  # cases nobody had seen before, or those that picked the winner
MANY_ABSENT = 0.05  # share of pairs without a score, above which the worst reading must hold too


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a winner is shown to be better, and on what."""

    promote: bool
    basis: Basis
    level: float  # chance that each bound misses
    difference: Interval | None  # winner minus incumbent over these cases; None: no pair of scores
    absent: int  # pairs without a score on one side or both
    in_doubt: bool  # shown on the pairs there are, not if every absent score went against it


def succession(
    winner: Floats,
    incumbent: Floats,
    clusters: Codes,
    *,
    basis: Basis,
    level: float,
    margin: float,
) -> Succession:
    """Promote when the lower bound of winner - incumbent at `level` exceeds `margin`.

    Scores in [0, 1], NaN where absent, one a case. One test, cluster-robust t, on cases fixed
    beforehand. `level` is alpha for `fresh` cases, and alpha / candidates for `raced` ones: then
    it holds for every candidate at once, whichever was picked, for whatever reason.
    """
    difference = winner - incumbent
    there = ~np.isnan(difference)
    absent = int((~there).sum())
    found = student(difference[there], clusters[there], level=level) if there.any() else None
    shown = found is not None and found.low > margin
    worst = np.nan_to_num(winner, nan=0.0) - np.nan_to_num(incumbent, nan=1.0)
    doubt = (
        shown
        and absent > MANY_ABSENT * len(difference)
        and student(worst, clusters, level=level).low <= margin
    )
    return Succession(
        promote=shown and not doubt,
        basis=basis,
        level=level,
        difference=found,
        absent=absent,
        in_doubt=doubt,
    )
