"""Connected components: what belongs together because it shares a key, or shares one in turn."""

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def components(items: Mapping[str, Iterable[Hashable]]) -> list[list[str]]:
    """Items joined by the keys that they share; items and components in the order given."""
    root = {item: item for item in items}
    owner: dict[Hashable, str] = {}
    for item, keys in items.items():
        for key in keys:
            first = _find(root, owner.setdefault(key, item))
            root[_find(root, item)] = first
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(_find(root, item), []).append(item)
    return list(found.values())


def roots(count: int, one: Ints, other: Ints) -> Ints:
    """For each of the items from 0 on the first of its component; `one` and `other` are joined.

    All pairs at once: labels sink to the least of both sides, then to the labels of labels, until
    none moves. A long line takes as many rounds as its length has binary digits, about.
    """
    label = np.arange(count)
    while True:
        left, right = label[one], label[other]
        least = np.minimum(left, right)
        if (left == right).all():
            return label
        np.minimum.at(label, left, least)
        np.minimum.at(label, right, least)
        while not np.array_equal(label, deeper := label[label]):
            label = deeper


def _find(root: dict[str, str], item: str) -> str:
    while root[item] != item:
        root[item] = item = root[root[item]]  # halves the path, so that the next walk is short
    return item
