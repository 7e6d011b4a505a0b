"""Word n-grams of many texts as one flat array of hashes.

Every word is hashed once and the hashes of neighbours are mixed, for all texts together: a string
for each n-gram would take half as long again, and n times the memory of the text.
"""

from collections.abc import Sequence
from itertools import chain

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

Hashes = NDArray[np.uint64]

_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, from the golden ratio
_HALF = np.uint64(32)


class Shingles(msgspec.Struct, frozen=True, kw_only=True):
    """Text i holds the n-grams `hashes[offsets[i]:offsets[i + 1]]`, in order, repeats included."""

    hashes: Hashes
    offsets: Hashes  # one more than texts

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def part(self, start: int, stop: int) -> "Shingles":
        """The texts from `start` on, before `stop`."""
        offsets = self.offsets[start : stop + 1]
        return Shingles(hashes=self.hashes[offsets[0] : offsets[-1]], offsets=offsets - offsets[0])


class Vocabulary(dict[str, int]):
    """The hash of each word, made once."""

    def __missing__(self, word: str) -> int:
        made = self[word] = xxh3_64_intdigest(word.encode("utf-8", "surrogatepass"))
        return made


def shingles(texts: Sequence[Sequence[str]], gram: int) -> Shingles:
    """The n-grams of texts given as words.

    Raises ValueError for a text of fewer words than one n-gram has: it would have no signature.
    """
    counts = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if len(counts) and counts.min() < gram:
        raise ValueError(f"a text of {counts.min()} words has no {gram}-grams: leave it out")
    known = Vocabulary()
    words = np.fromiter(
        map(known.__getitem__, chain.from_iterable(texts)), dtype=np.uint64, count=counts.sum()
    )
    offsets = np.concatenate(([0], np.cumsum(counts - gram + 1))).astype(np.uint64)
    return Shingles(hashes=_mixed(words, gram)[_whole(counts, gram)], offsets=offsets)


def _mixed(words: Hashes, gram: int) -> Hashes:
    """The hash of each window of so many words; the order of words counts."""
    windows = max(len(words) - gram + 1, 0)
    mixed = np.zeros(windows, dtype=np.uint64)
    for at in range(gram):
        mixed = mixed * _MIX + words[at : at + windows]
        mixed ^= mixed >> _HALF
    return mixed


def _whole(counts: NDArray[np.int64], gram: int) -> NDArray[np.bool_]:
    """Which windows lie in one text."""
    text = np.repeat(np.arange(len(counts)), counts)
    windows = max(len(text) - gram + 1, 0)
    within: NDArray[np.bool_] = text[:windows] == text[len(text) - windows :]
    return within
