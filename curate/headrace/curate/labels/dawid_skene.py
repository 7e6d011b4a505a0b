"""How good each witness is and how likely each episode went well, found together.

Dawid, Skene, Applied Statistics 1979, for two classes, with pseudo-votes: log-odds of success are
log(pi / (1 - pi)) and, for each vote, log(t / (1 - f)) if it is 1, log((1 - t) / f) if it is 0.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.labels.odds import Floats, log_odds, probability
from headrace.curate.labels.vote import Standing

Ids = NDArray[np.int64]

PSEUDO = 2.0  # votes that every rate starts from, so that a witness with one vote is not sure
PRIOR = 0.8  # what they say of a witness
EVEN = 0.5  # and of the share of successes: .8 there would decide what two opposed votes leave open
ROUNDS = 40


class Ballot(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Votes as arrays: entry i is `value[i]` of a witness on an episode, by their places."""

    episodes: int  # how many there are
    witnesses: tuple[str, ...]  # sorted
    episode: Ids
    witness: Ids
    value: Floats  # 0 or 1


class Fit(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the rounds came to."""

    success: Floats  # P(success) of each episode
    hit: Floats  # t = P(votes 1 | success) of each witness
    reject: Floats  # f = P(votes 0 | failure) of each witness
    base: float  # pi, the share of successes


def ballot(votes: Sequence[Standing], episodes: Sequence[str]) -> Ballot:
    """Votes on the given episodes, which have their places in sorted order; others are left out."""
    place = {name: i for i, name in enumerate(sorted(set(episodes)))}
    known = sorted(vote for vote in votes if vote.episode_id in place)
    witnesses = {name: i for i, name in enumerate(sorted({vote.witness for vote in known}))}
    return Ballot(
        episodes=len(place),
        witnesses=tuple(witnesses),
        episode=np.array([place[vote.episode_id] for vote in known], dtype=np.int64),
        witness=np.array([witnesses[vote.witness] for vote in known], dtype=np.int64),
        value=np.array([vote.value for vote in known], dtype=np.float64),
    )


def fit(votes: Ballot, fixed: Floats) -> Fit:
    """Forty rounds from the mean vote; `fixed` has P(success) of each episode that is held at it,
    NaN of the others.
    """
    telling = _telling(votes, fixed)
    success = _kept(_start(votes), fixed)
    hit, reject, base = _rates(votes, success, telling)
    for _ in range(ROUNDS):
        success = _kept(_posterior(votes, hit, reject, base), fixed)
        hit, reject, base = _rates(votes, success, telling)
    return Fit(success=success, hit=hit, reject=reject, base=base)


def _start(votes: Ballot) -> Floats:
    """The mean vote over all witnesses, where an absent one says one half."""
    count = votes.episodes
    ones = np.bincount(votes.episode, votes.value, minlength=count)
    cast = np.bincount(votes.episode, minlength=count)
    absent = np.maximum(len(votes.witnesses) - cast, 0)
    mean: Floats = (ones + absent / 2) / np.maximum(cast + absent, 1)
    return mean


def _posterior(votes: Ballot, hit: Floats, reject: Floats, base: float) -> Floats:
    for_one, for_zero = np.log(hit / (1 - reject)), np.log((1 - hit) / reject)
    weight = np.where(votes.value == 1, for_one[votes.witness], for_zero[votes.witness])
    evidence = np.bincount(votes.episode, weight, minlength=votes.episodes)
    return probability(log_odds(base) + evidence)


def _telling(votes: Ballot, fixed: Floats) -> Floats:
    """1 for a vote that something else on its episode can be held against, else 0.

    A lone vote would make its episode what it says, and then count as right about it: a judge
    without any other source would end as one that never errs.
    """
    others = np.bincount(votes.episode, minlength=votes.episodes) > 1
    told: Floats = (others | ~np.isnan(fixed))[votes.episode].astype(np.float64)
    return told


def _rates(votes: Ballot, success: Floats, telling: Floats) -> tuple[Floats, Floats, float]:
    good, bad = telling * success[votes.episode], telling * (1 - success[votes.episode])
    hit = _smoothed(_by_witness(votes, good * votes.value), _by_witness(votes, good))
    reject = _smoothed(_by_witness(votes, bad * (1 - votes.value)), _by_witness(votes, bad))
    base = (success.sum() + PSEUDO * EVEN) / (len(success) + PSEUDO)
    return hit, reject, float(base)


def _by_witness(votes: Ballot, weight: Floats) -> NDArray[Any]:
    return np.bincount(votes.witness, weight, minlength=len(votes.witnesses))


def _smoothed(said: NDArray[Any], total: NDArray[Any]) -> Floats:
    share: Floats = (said + PSEUDO * PRIOR) / (total + PSEUDO)
    return share


def _kept(success: Floats, fixed: Floats) -> Floats:
    return np.where(np.isnan(fixed), success, fixed)
