"""Word n-grams of many texts as one flat array of hashes.

Every word is hashed once and the hashes of neighbours are mixed, for all texts together: a string
for each n-gram would take half as long again, and n times the memory of the text.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from headrace.curate.batch import batches

Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]
Rows = NDArray[np.int64]

CHARS = 8_000_000  # of texts that are split together

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


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes of the words of many texts in a row, and how many are of each text."""

    hashes: Hashes
    counts: Counts

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Of texts in which spaces alone part the words."""
        parts = [_read(part) for part in batches(texts, len, CHARS)] or [_read([])]
        hashes, counts = zip(*parts, strict=True)
        return cls(hashes=np.concatenate(hashes), counts=np.concatenate(counts))

    def at(self, rows: Rows) -> Self:
        """The texts of these places, which ascend."""
        kept = np.zeros(len(self), dtype=np.bool_)
        kept[rows] = True
        return type(self)(
            hashes=self.hashes[np.repeat(kept, self.counts)], counts=self.counts[kept]
        )


def shingles(texts: Words, gram: int) -> Shingles:
    """The n-grams of texts.

    Raises ValueError for a text of fewer words than one n-gram has: it would have no signature.
    """
    counts = texts.counts
    if len(counts) and counts.min() < gram:
        raise ValueError(f"a text of {counts.min()} words has no {gram}-grams: leave it out")
    offsets = np.concatenate(([0], np.cumsum(counts - gram + 1))).astype(np.uint64)
    return Shingles(hashes=_mixed(texts.hashes, gram)[_whole(counts, gram)], offsets=offsets)


def _read(texts: Sequence[str]) -> tuple[Hashes, Counts]:
    """The hashes of all words and how many each text has: no word becomes an object of its own."""
    lines = pa.array([text.strip() for text in texts], pa.string())
    split = pc.ascii_split_whitespace(lines)
    told = pc.dictionary_encode(split.flatten())
    names = told.dictionary.cast(pa.binary()).to_pylist()
    known = np.fromiter(map(xxh3_64_intdigest, names), dtype=np.uint64, count=len(names))
    hashes = known[np.asarray(told.indices)]
    counts = np.asarray(pc.list_value_length(split)).astype(np.int64)
    blank = np.asarray(pc.equal(lines, "")).astype(np.bool_)  # split, it is one empty word
    return hashes[np.repeat(~blank, counts)], np.where(blank, 0, counts)


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
