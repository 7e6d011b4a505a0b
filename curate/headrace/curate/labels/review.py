"""Which episodes people should look at next: where a look teaches most, and an even sample."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Stratum = Literal["random", "disagreement", "medoid", "uncertainty"]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
Said = NDArray[np.int8]

# Shares of the picks, in the order in which they are taken: the even sample comes first, so that
# its chances are exact, and uncertainty last, which takes what others could not fill.
SHARES: Mapping[Stratum, float] = MappingProxyType(
    {"random": 0.25, "disagreement": 0.20, "medoid": 0.15, "uncertainty": 0.40}
)


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Episodes column by column, in an order that tells nothing of them, as that of their ids."""

    cluster: Ids  # of near-duplicates; a number of its own where it has none
    success: Floats  # P(success) by the votes; NaN: no votes
    judge: Said  # what judges say, 0 or 1; -1: nothing, or not the same
    outcome: Said  # what came of it by the product or the user; -1 as above
    contrary: Flags  # its state is the opposite of what the votes make likely
    suspicion: Floats  # how much about it looks wrong; 0: nothing
    fresh: Flags  # nobody has looked at it or was asked to
    drawn: Flags  # it is in the even sample by now

    def __len__(self) -> int:
        return len(self.cluster)


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """An episode to review, and why it was taken."""

    place: int  # in the pool
    stratum: Stratum
    selection_probability: float | None  # None: not drawn by chance


def picks(
    pool: Pool, size: int, *, medoids: Sequence[int], generator: np.random.Generator
) -> list[Pick]:
    """`size` fresh episodes or fewer, at most one of a cluster, and what the draw hit besides.

    `medoids` are places of failures, the largest cluster first. A share that cannot be filled goes
    to uncertainty. The even sample draws clusters, then one member of each: an episode's chance is
    that of its cluster over the size of the cluster. It is drawn from all that it does not hold
    yet, those that somebody has looked at included: without what was chosen for being uncertain it
    would not be even. Raises ValueError for a negative size.
    """
    if size < 0:
        raise ValueError(f"a queue of {size}: give its size, 0 or more")
    quota = _quota(size, generator)
    found = list(_drawn(pool, quota["random"], generator))
    places = [pick.place for pick in found]
    taken = set(pool.cluster[~pool.fresh].tolist()) | set(pool.cluster[places].tolist())
    ranked: Mapping[Stratum, Sequence[int] | Ids] = {
        "disagreement": _divided(pool, generator),
        "medoid": medoids,
        "uncertainty": _uncertain(pool, quota["uncertainty"], generator),
    }
    for stratum, order in ranked.items():
        fresh = int(pool.fresh[[pick.place for pick in found]].sum())
        wanted = size - fresh if stratum == "uncertainty" else quota[stratum]
        found += [
            Pick(place=place, stratum=stratum, selection_probability=None)
            for place in _new(pool, order, wanted, taken)
        ]
    return found


def _quota(size: int, generator: np.random.Generator) -> dict[Stratum, int]:
    """Whole numbers that add up; one pick alone falls to each stratum as often as its share says.

    A queue that is filled up by one or two a night would else never draw by chance.
    """
    ends = np.round(np.cumsum([0, *SHARES.values()]) * size, 9) + generator.random()
    parts = np.diff(np.floor(ends)).astype(np.int64).tolist()
    return dict(zip(SHARES, parts, strict=True))


def _drawn(pool: Pool, wanted: int, generator: np.random.Generator) -> Iterator[Pick]:
    places = np.flatnonzero(~pool.drawn)
    names, cluster = np.unique(pool.cluster[places], return_inverse=True)
    places = places[np.argsort(cluster, kind="stable")]
    sizes = np.bincount(cluster, minlength=len(names))
    starts = np.cumsum(sizes) - sizes
    count = min(wanted, len(names))
    for i in generator.choice(len(names), size=count, replace=False).tolist() if count else ():
        members = int(sizes[i])
        yield Pick(
            place=int(places[starts[i] + int(generator.integers(members))]),
            stratum="random",
            selection_probability=count / len(names) / members,
        )


def _divided(pool: Pool, generator: np.random.Generator) -> Ids:
    """Those where one who knows says one thing and one the other, in any order."""
    judged = (pool.judge >= 0) & (pool.outcome >= 0) & (pool.judge != pool.outcome)
    return generator.permutation(np.flatnonzero(pool.fresh & (judged | pool.contrary)))


def _uncertain(pool: Pool, wanted: int, generator: np.random.Generator) -> Ids:
    """Suspicious ones in half of the places, then by the distance from a toss-up.

    Where no vote was cast none is known, and others teach more of the sources.
    """
    distance = np.where(np.isnan(pool.success), 1.0, np.abs(pool.success - 0.5))
    places = np.flatnonzero(pool.fresh)
    order = places[np.argsort(distance[places], kind="stable")]
    odd = order[pool.suspicion[order] > 0]
    odd = odd[np.argsort(-pool.suspicion[odd], kind="stable")]
    half = int(wanted / 2 + generator.random())  # of one, every other time
    return np.concatenate([odd[:half], order])


def _new(
    pool: Pool, order: Iterable[int | np.int64], wanted: int, taken: set[int]
) -> Iterator[int]:
    """The first ones of clusters that are not taken yet; takes them."""
    for place in order:
        if wanted <= 0:
            return
        name = int(pool.cluster[place])
        if pool.fresh[place] and name not in taken:
            taken.add(name)
            wanted -= 1
            yield int(place)
