"""The most typical episode of each cluster of failures."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def medoids(clusters: Sequence[str | None], vectors: Floats) -> list[int]:
    """The place of the medoid of each cluster, largest cluster first, ties by name.

    `vectors` has a row per episode; the medoid has the greatest mean cosine to its cluster, which
    is that to the mean of its unit vectors. Episodes without a cluster (None) are left out.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for i, cluster in enumerate(clusters):
        if cluster is not None:
            members[cluster].append(i)
    order = sorted(members, key=lambda name: (-len(members[name]), name))
    return [_medoid(members[name], vectors) for name in order]


def _medoid(places: Sequence[int], vectors: Floats) -> int:
    rows = vectors[places]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(length == 0, 1, length)
    # Rounded, so that equally central ones tie and the first wins on every machine.
    return places[int(np.argmax(np.round(unit @ unit.mean(axis=0), 12)))]
