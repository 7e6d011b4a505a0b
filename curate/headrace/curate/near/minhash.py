"""MinHash signatures: the share of equal slots of two estimates the Jaccard index of their n-grams.

Broder, On the resemblance and containment of documents (1997).
"""

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from headrace.curate.near.recipe import Recipe
from headrace.curate.near.shingle import Shingles

Signatures = NDArray[np.uint32]  # texts x slots
Keys = NDArray[np.uint64]  # texts x bands
Scores = NDArray[np.float64]
Rows = NDArray[np.int64]

_AT_ONCE = 10_000  # texts; rensa answers in lists of Python integers, which take space
_PAIRS = 50_000


def signatures(texts: Shingles, recipe: Recipe) -> Signatures:
    """One row a text."""
    sign = _rensa if recipe.library == "rensa-R2" else _numpy
    parts = [
        sign(texts.part(start, min(start + _AT_ONCE, len(texts))), recipe)
        for start in range(0, len(texts), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty((0, recipe.slots), dtype=np.uint32)


def band_keys(signed: Signatures, recipe: Recipe) -> Keys:
    """xxh3_64 of the little-endian bytes of each band: texts that agree on one are candidates."""
    raw = signed.astype("<u4", copy=False).tobytes()
    width = 4 * recipe.rows
    count = len(signed) * recipe.bands
    keys = (xxh3_64_intdigest(raw[at : at + width]) for at in range(0, width * count, width))
    return np.fromiter(keys, dtype=np.uint64, count=count).reshape(len(signed), recipe.bands)


def scores(signed: Signatures, one: Rows, other: Rows) -> Scores:
    """The share of equal slots of row `one[i]` and row `other[i]`; a few pairs at a time."""
    found = np.empty(len(one), dtype=np.float64)
    for at in range(0, len(one), _PAIRS):
        part = slice(at, at + _PAIRS)
        found[part] = (signed[one[part]] == signed[other[part]]).mean(axis=1)
    return found


def _rensa(texts: Shingles, recipe: Recipe) -> Signatures:
    """All n-grams count; the `rho` variant samples their places: order would matter."""
    from rensa import RMinHash

    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        texts.hashes, texts.offsets, recipe.slots, recipe.seed
    )
    return np.array(matrix.to_rows(), dtype=np.uint32)


def _numpy(texts: Shingles, recipe: Recipe) -> Signatures:
    """The least of (a x + b) >> 32 for each slot: multiply-shift (Dietzfelbinger 1996)."""
    drawn = np.random.default_rng(recipe.seed)
    odd = drawn.integers(0, 2**63, recipe.slots, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    plus = drawn.integers(0, 2**64, recipe.slots, dtype=np.uint64)
    short, starts = texts.hashes >> np.uint64(32), texts.offsets[:-1].astype(np.int64)
    signed = np.empty((len(texts), recipe.slots), dtype=np.uint32)
    for slot in range(recipe.slots):
        hashed = (short * odd[slot] + plus[slot]) >> np.uint64(32)
        signed[:, slot] = np.minimum.reduceat(hashed.astype(np.uint32), starts)
    return signed
