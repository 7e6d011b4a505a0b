"""Requests gathered by meaning into as many intents as there are, none of them wider than a cut."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

from headrace.curate.semantic.encoder import Vectors
from headrace.curate.semantic.leader import Leaders, Requests

WIDEST = 0.4  # cosine of the two members of an intent that are least alike
NEAR = 0.5  # cosine to the middle of an intent, to be of it
FEWEST = 3  # episodes of an intent
MOST = 300  # intents; nobody browses more

SAMPLE = 10_000  # requests that are looked at to find intents
GRAINS = 4_000  # that are compared all with all; more requests are gathered behind leaders
COARSER = (0.8, 0.7, 0.6, 0.5)  # cosines to a leader, tried until there are few enough

Counts = NDArray[np.int64]
Numbers = NDArray[np.int64]


class Nearest(msgspec.Struct, frozen=True, kw_only=True):
    """For each request the middle that is nearest; -1 where none is near."""

    places: Numbers
    cosines: NDArray[np.float64]

    def of(self, count: int, episodes: Counts) -> Counts:
        """The episodes of each of so many middles."""
        near = self.places >= 0
        counted = np.bincount(self.places[near], weights=episodes[near], minlength=count)
        return counted.astype(np.int64)


def middles(vectors: Vectors, episodes: Counts) -> Vectors:
    """The middles of intents, those with most episodes first, rounded as vectors are stored.

    `episodes` counts those of each request. Complete linkage: no chain of likenesses makes an
    intent of what is unlike. The same vectors in the same order give the same middles.
    """
    some = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLE)).astype(np.int64))
    rows, weights = vectors[some], np.log2(1 + episodes[some])
    found = _means(rows, weights, _labels(rows, weights))
    if not len(found):
        return found
    counts = nearest(vectors, found).of(len(found), episodes)
    order = np.argsort(-counts, kind="stable")
    return found[order[counts[order] >= FEWEST][:MOST]]


def nearest(vectors: Vectors, of: Vectors) -> Nearest:
    """The nearest of these middles; exact, so that no block changes who belongs where."""
    if not len(of) or not len(vectors):
        nobody = np.full(len(vectors), -1, dtype=np.int64)
        return Nearest(places=nobody, cosines=np.zeros(len(vectors)))
    cosines = vectors.astype(np.float64) @ of.astype(np.float64).T
    places = cosines.argmax(axis=1)
    best = cosines[np.arange(len(vectors)), places]
    return Nearest(places=np.where(best >= NEAR, places, -1), cosines=best)


def _labels(rows: Vectors, weights: NDArray[np.float64]) -> Numbers:
    """The number of the cluster of each row; -1 beyond the grains that can be compared."""
    grain = _weightiest(_grains(rows), weights)
    centres = _means(rows, weights, grain)
    if len(centres) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    tree = linkage(_apart(centres), "complete")
    joined = fcluster(tree, 1 - WIDEST, "distance").astype(np.int64) - 1
    found: Numbers = np.where(grain < 0, -1, joined[grain])
    return found


def _apart(centres: Vectors) -> NDArray[np.float64]:
    """One less the cosine of each pair, as `linkage` wants them; in place, as there are many."""
    cosines = centres.astype(np.float64) @ centres.astype(np.float64).T
    np.clip(cosines, -1, 1, out=cosines)
    found: NDArray[np.float64] = squareform(np.subtract(1, cosines, out=cosines), checks=False)
    return found


def _weightiest(grains: Numbers, weights: NDArray[np.float64]) -> Numbers:
    """As many grains as can be compared, numbered anew; -1 for the others."""
    heavy = np.argsort(-np.bincount(grains, weights=weights), kind="stable")[:GRAINS]
    number = np.full(int(grains.max(initial=-1)) + 1, -1, dtype=np.int64)
    number[heavy] = np.arange(len(heavy))
    found: Numbers = number[grains]
    return found


def _grains(rows: Vectors) -> Numbers:
    """Few rows each for itself; many behind leaders, so that a rare meaning keeps its own."""
    grains = np.arange(len(rows))
    for least in COARSER:
        if not len(rows) or grains.max() < GRAINS:
            break
        asked = Requests(recipe="", ids=np.arange(len(rows)), texts=[""] * len(rows), vectors=rows)
        leaders, _ = Leaders(asked.part(0, 0), least).join(asked)
        _, dense = np.unique(leaders, return_inverse=True)
        grains = dense.astype(np.int64)
    return grains


def _means(rows: Vectors, weights: NDArray[np.float64], labels: Numbers) -> Vectors:
    """The weighted mean of each cluster at length one; labels without gaps, -1 for none."""
    rows, weights, labels = rows[labels >= 0], weights[labels >= 0], labels[labels >= 0]
    if not len(rows):
        return rows
    shape = (int(labels.max()) + 1, len(rows))
    sums = csr_matrix((weights, (labels, np.arange(len(rows)))), shape=shape) @ rows
    units = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    rounded: Vectors = units.astype(np.float16).astype(np.float32)
    return rounded
