"""What people who looked at an episode themselves say of it, and how often they err."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from scipy.special import expit

from headrace.curate.labels.vote import Standing, Vote, standing

AUDITOR = "human"  # the source whose votes are audits
ERROR = 0.05  # of an auditor, before any episode was audited twice
PAIRS = 2.0  # what that guess weighs, in double audits

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


def error(audits: Audits) -> float:
    """How often an auditor is wrong, from episodes audited twice.

    Two who err alike and apart disagree with probability d = 2 e (1 - e).
    """
    differ = pairs = 0
    for said in audits.values():
        differ += said[0] * said[1]
        pairs += math.comb(said.total(), 2)
    share = (differ + PAIRS * 2 * ERROR * (1 - ERROR)) / (pairs + PAIRS)
    return (1 - math.sqrt(max(0.0, 1 - 2 * share))) / 2


def held(audits: Audits, wrong: float) -> dict[str, float]:
    """P(success) that audited episodes are held at, by what their auditors say alone.

    Where they are divided nothing is held: the other votes decide.
    """
    if wrong <= 0 or wrong >= 0.5:
        return {}
    weight = math.log((1 - wrong) / wrong)
    margins = {name: said[1] - said[0] for name, said in audits.items()}
    return {name: float(expit(weight * margin)) for name, margin in margins.items() if margin}
