"""What people who looked at an episode themselves say of it, and how often they err."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from headrace.curate.labels.odds import probability
from headrace.curate.labels.vote import Standing, Vote, standing

AUDITOR = "human"  # the source whose votes are audits
ERROR = 0.05  # of an auditor, before any episode was audited twice
PAIRS = 2.0  # what that guess weighs, in double audits

Counts = NDArray[np.int64]
Audits = Mapping[str, Counter[int]]  # episode -> how many auditors say 1, how many 0


def split(votes: Iterable[Vote]) -> tuple[list[Vote], list[Vote]]:
    """The audits among votes, and the others."""
    audits: list[Vote] = []
    others: list[Vote] = []
    for vote in votes:
        (audits if vote.source == AUDITOR else others).append(vote)
    return audits, others


def counted(audits: Iterable[Vote]) -> Audits:
    """Auditors by what they say now; a second look by the same one replaces the first."""
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    vote: Standing
    for vote in standing(audits):
        found[vote.episode_id][vote.value] += 1
    return found


def error(audits: Audits, before: float = ERROR) -> float:
    """How often an auditor is wrong, from episodes audited twice; `before` there are any, so often.

    Two who err alike and apart disagree with probability d = 2 e (1 - e).
    """
    counts = np.array([(said[1], said[0]) for said in audits.values()], dtype=np.int64)
    ones, zeros = counts.reshape(-1, 2).T
    return error_of(ones, zeros, before)


def error_of(ones: Counts, zeros: Counts, before: float = ERROR) -> float:
    """The same from how many auditors of each episode say 1, and how many 0."""
    differ, total = int(ones @ zeros), ones + zeros
    pairs = int((total * (total - 1) // 2).sum())
    share = (differ + PAIRS * 2 * before * (1 - before)) / (pairs + PAIRS)
    return (1 - math.sqrt(max(0.0, 1 - 2 * share))) / 2


def weight(wrong: float) -> float:
    """Log-odds that the word of one adds who errs so often; none where that tells nothing."""
    return math.log((1 - wrong) / wrong) if 0 < wrong < 0.5 else 0.0


def held(audits: Audits, wrong: float) -> dict[str, float]:
    """P(success) that audited episodes are held at, by what their auditors say alone.

    Where they are divided nothing is held: the other votes decide.
    """
    each = weight(wrong)
    margins = {name: said[1] - said[0] for name, said in audits.items()}
    return {
        name: float(probability(each * margin))
        for name, margin in margins.items()
        if each and margin
    }
