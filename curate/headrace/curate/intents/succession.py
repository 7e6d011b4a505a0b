"""Which new intent is an old one found again: it keeps the old one's id and name."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

LEAST = 1 / 3  # of the episodes of both together that they share


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """What became of intents."""

    kept: dict[int, str]  # number of a new intent -> the old one that it is
    gone: dict[str, int]  # old one that is none of the new -> the new one with most of its episodes


def succession(
    before: Sequence[str | None], after: NDArray[np.int64], episodes: NDArray[np.int64], count: int
) -> Succession:
    """Of so many new intents; `before` and `after` tell of each request where it was and is.

    None and -1: in no intent. Pairs are chosen so that together they share most (the Hungarian
    method), by the requests that were in an intent before: those that came since say nothing of
    what it was. Vectors are not looked at: a new model keeps the names too.
    """
    old = sorted({name for name in before if name is not None})
    shared = _shared(before, after, episodes, old, count)
    both = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    likeness = np.divide(shared, both, out=np.zeros_like(shared), where=both > 0)
    pairs = zip(*linear_sum_assignment(likeness, maximize=True), strict=True)
    kept = {int(new): old[was] for was, new in pairs if likeness[was, new] >= LEAST}
    lost = [at for at, name in enumerate(old) if name not in kept.values()]
    return Succession(
        kept=kept,
        gone={old[at]: int(shared[at].argmax()) for at in lost if shared[at].any()},
    )


def _shared(
    before: Sequence[str | None],
    after: NDArray[np.int64],
    episodes: NDArray[np.int64],
    old: Sequence[str],
    count: int,
) -> NDArray[np.float64]:
    """Episodes in old intent i and new intent j."""
    row = {name: at for at, name in enumerate(old)}
    table = np.zeros((len(old), count))
    for was, now, weight in zip(before, after.tolist(), episodes.tolist(), strict=True):
        if was is not None and now >= 0:
            table[row[was], now] += weight
    return table
