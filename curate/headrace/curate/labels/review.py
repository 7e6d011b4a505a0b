"""Which episodes people should look at next: where a look teaches most, and an even sample."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec
import numpy as np

Stratum = Literal["random", "disagreement", "medoid", "uncertainty"]

# Shares of a queue, in the order in which they are filled: the even sample comes first, so that
# its chances are exact, and uncertainty last, which takes what others could not fill.
SHARES: Mapping[Stratum, float] = MappingProxyType(
    {"random": 0.25, "disagreement": 0.20, "medoid": 0.15, "uncertainty": 0.40}
)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that nobody has reviewed."""

    episode_id: str
    success: float | None  # P(success) by the votes; None: no votes
    duplicates: str  # its cluster of near-duplicates; its own id where it has none
    judge: int | None = None  # what judges say, 0 or 1
    outcome: int | None = None  # what came of it by the product or the user


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """An episode to review, and why it was taken."""

    episode_id: str
    stratum: Stratum
    selection_probability: float | None  # None: not drawn by chance


def picks(
    candidates: Iterable[Candidate],
    size: int,
    *,
    medoids: Sequence[str],
    generator: np.random.Generator,
) -> list[Pick]:
    """At most `size` picks, at most one of a cluster of near-duplicates.

    `medoids` are episode ids of failures, the largest cluster first. A share that cannot be filled
    goes to uncertainty. The even sample draws clusters, then one member of each: an episode's
    chance is that of its cluster over the size of the cluster. Raises ValueError for a negative
    size.
    """
    if size < 0:
        raise ValueError(f"a queue of {size}: give its size, 0 or more")
    pool = sorted(candidates, key=lambda one: one.episode_id)
    quota = _quota(size)
    found = list(_drawn(pool, quota["random"], generator))
    taken = _clusters(pool, found)
    known = {one.episode_id: one for one in pool}
    ranked: Mapping[Stratum, Iterable[Candidate]] = {
        "disagreement": _divided(pool, generator),
        "medoid": [known[name] for name in medoids if name in known],
        "uncertainty": sorted(pool, key=_certainty),
    }
    for stratum, order in ranked.items():
        wanted = size - len(found) if stratum == "uncertainty" else quota[stratum]
        for one in _fresh(order, wanted, taken):
            found.append(
                Pick(episode_id=one.episode_id, stratum=stratum, selection_probability=None)
            )
    return found


def _quota(size: int) -> dict[Stratum, int]:
    """Whole numbers by largest remainder; of equal remainders the even sample's goes first."""
    exact = {stratum: round(share * size, 9) for stratum, share in SHARES.items()}
    whole = {stratum: int(part) for stratum, part in exact.items()}
    by_rest = sorted(exact, key=lambda stratum: whole[stratum] - exact[stratum])
    for stratum in by_rest[: size - sum(whole.values())]:
        whole[stratum] += 1
    return whole


def _drawn(
    pool: Sequence[Candidate], wanted: int, generator: np.random.Generator
) -> Iterator[Pick]:
    clusters: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in pool:
        clusters[one.duplicates].append(one)
    names = sorted(clusters)
    count = min(wanted, len(names))
    for i in generator.choice(len(names), size=count, replace=False).tolist() if count else ():
        members = clusters[names[i]]
        yield Pick(
            episode_id=members[int(generator.integers(len(members)))].episode_id,
            stratum="random",
            selection_probability=count / len(names) / len(members),
        )


def _clusters(pool: Iterable[Candidate], found: Iterable[Pick]) -> set[str]:
    names = {pick.episode_id for pick in found}
    return {one.duplicates for one in pool if one.episode_id in names}


def _divided(pool: Iterable[Candidate], generator: np.random.Generator) -> list[Candidate]:
    """Those where judges say one thing and the outcome the other, in any order."""
    found = [
        one for one in pool if None not in (one.judge, one.outcome) and one.judge != one.outcome
    ]
    return [found[i] for i in generator.permutation(len(found)).tolist()]


def _certainty(one: Candidate) -> tuple[float, str]:
    """Distance from a toss-up; without a vote none is known, and others teach more of sources."""
    return (1.0 if one.success is None else abs(one.success - 0.5)), one.episode_id


def _fresh(order: Iterable[Candidate], wanted: int, taken: set[str]) -> Iterator[Candidate]:
    """The first ones of clusters that are not taken yet; takes them."""
    for one in order:
        if wanted <= 0:
            return
        if one.duplicates not in taken:
            taken.add(one.duplicates)
            wanted -= 1
            yield one
