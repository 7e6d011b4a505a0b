"""Which witnesses err together more than chance: to be pooled, or they are believed twice."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.labels import audit
from headrace.curate.labels.vote import NO_FAMILIES, Families, Vote, pooled, standing

Floats = NDArray[np.float64]

CORRELATION = 0.3  # above it two witnesses are proposed as one family
SHARED = 200  # audited episodes on which both voted; at fewer, chance alone gives .3


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Two witnesses that look like one family."""

    first: str
    second: str
    correlation: float  # of their errors, within success and failure
    audited: int  # episodes it was seen on


def propose(votes: Iterable[Vote], families: Families = NO_FAMILIES) -> list[Proposal]:
    """Pairs of witnesses whose errors on audited episodes correlate, the strongest first.

    What is common to them only because successes are easier than failures does not count, nor
    what the auditors' own errors make look common.
    """
    audits, others = audit.split(votes)
    said = audit.counted(audits)
    wrong = audit.error(said)
    truth = {name: int(p > 0.5) for name, p in audit.held(said, wrong).items()}
    heard = _heard(others, families, truth)
    found = (
        Proposal(first=a, second=b, correlation=correlation, audited=len(shared))
        for a, b, shared in _pairs(heard)
        if (correlation := _correlation(heard[a], heard[b], shared, truth, wrong)) is not None
        and correlation > CORRELATION
    )
    return sorted(found, key=lambda pair: (-pair.correlation, pair.first, pair.second))


def _heard(
    votes: Iterable[Vote], families: Families, truth: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """witness -> episode -> vote, on audited episodes."""
    heard: dict[str, dict[str, int]] = {}
    for vote in pooled(standing(votes, families)):
        if vote.episode_id in truth:
            heard.setdefault(vote.witness, {})[vote.episode_id] = vote.value
    return heard


def _pairs(heard: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str, list[str]]]:
    for a, b in combinations(sorted(heard), 2):
        shared = sorted(heard[a].keys() & heard[b].keys())
        if len(shared) >= SHARED:
            yield a, b, shared


def _correlation(
    one: Mapping[str, int],
    other: Mapping[str, int],
    shared: list[str],
    truth: Mapping[str, int],
    wrong: float,
) -> float | None:
    """Correlation of errors given the truth; None where a class is absent or nobody errs.

    With signs +1 (right) and -1 (wrong) a false audit flips both, so that their product is that
    of the other class and each mean is minus it: two linear systems give the true moments.
    """
    labels = np.array([truth[name] for name in shared])
    share = np.array([(labels == kind).mean() for kind in (0, 1)])
    false = _false(share, wrong)
    if false is None:
        return None
    right_one, right_other = (
        np.array([1.0 if said[name] == truth[name] else -1.0 for name in shared])
        for said in (one, other)
    )
    mean_one = _unmixed(right_one, labels, false, -1)
    mean_other = _unmixed(right_other, labels, false, -1)
    together = _unmixed(right_one * right_other, labels, false, 1)
    spread = share @ np.maximum(1 - mean_one**2, 0) * (share @ np.maximum(1 - mean_other**2, 0))
    return float(share @ (together - mean_one * mean_other) / np.sqrt(spread)) if spread else None


def _false(share: Floats, wrong: float) -> Floats | None:
    """Of the audits that say 0, and 1, the share that is false; None: no telling."""
    true = (share - wrong) / (1 - 2 * wrong)  # shares of failures and successes themselves
    if true.min() <= 0:
        return None
    false: Floats = wrong * true[::-1] / share
    return false


def _unmixed(values: Floats, labels: NDArray[np.int64], false: Floats, sign: int) -> Floats:
    """Means by true class from means by audited class."""
    seen = np.array([values[labels == kind].mean() for kind in (0, 1)])
    mixed = np.array([[1 - false[0], sign * false[0]], [sign * false[1], 1 - false[1]]])
    return np.linalg.solve(mixed, seen)
