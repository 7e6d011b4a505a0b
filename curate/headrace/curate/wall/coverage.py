"""How much of a case's words an episode holds in runs: 8-grams, 5-grams for short cases.

The lengths and shares are those of a measured table: 8-grams that cover half of a case found all
rewordings above a Jaccard of .7 without one unrelated hit; any 8-gram alone hits boilerplate.
Words with a digit in them count as one and the same: an order number is a slot of a request.
"""

from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.curate import unit
from headrace.curate.wall import plainword
from headrace.curate.wall.item import Item
from headrace.curate.wall.plainword import Words

COVERED = 0.5  # of the case's words, by grams that the episode holds too
LONG_GRAM, SHORT_GRAM = 8, 5
LONG, SHORT = 16, 8  # words from which on a case is matched by long, by short grams
COMMON_SHARE, COMMON_OF = 0.01, 200  # boilerplate: grams in more than 1 % of at least 200 groups,
COMMON_CASES = 2  # and grams of more cases than these, of one wording each,
COMMON_LEAST = 10  # and in more than 10: three rewordings of one case are no boilerplate
KNOWN = 1_000_000  # words that are remembered while texts are read

SHARED = pl.Schema({"text": pl.Int64(), "item": pl.Int64(), "start": pl.Int32()})
COVERS = pl.Schema(
    {"key": pl.Int64(), "item": pl.Int64(), "starts": pl.List(pl.Int32()), "share": pl.Float64()}
)

_APART, _NUMBER = 0, 1  # codes: a word of no case, or the end of a text; a word with a digit

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Grams:
    """The grams of some cases; linear in the words of the texts that are held against them."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._codes = _Codes(word for item in items for word in item.words)
        self.words = np.zeros(len(items), dtype=np.int64)
        self.lengths = np.zeros(len(items), dtype=np.int64)  # of a gram; 0: only equals count
        self._wordings: list[int] = []  # of items: the first one that is worded alike
        wordings: dict[bytes, int] = {}
        found: list[tuple[Hashes, Ints, Ints]] = []
        for at, item in enumerate(items):
            words = _squeezed(self._codes.of([item.words]))[:-1]
            self._wordings.append(wordings.setdefault(words.tobytes(), at))
            self.words[at], self.lengths[at] = len(words), length(len(words))
            if size := int(self.lengths[at]):
                starts, hashes = _grams(words, size)
                found.append((hashes, np.full(len(starts), at), starts))
        self._index(found)

    def shared(self, texts: Iterable[str]) -> pl.DataFrame:
        """The grams that texts share with cases: `text`, `item`, `start` (a place in the case)."""
        plain = [unit.unsigned(text) for text in texts]
        order = np.array(sorted(range(len(plain)), key=lambda at: not plain[at].isascii()), int)
        words = _squeezed(self._codes.read([plain[at] for at in order]))
        ends = np.flatnonzero(words == _END)
        words[ends] = _APART
        parts = [self._shared(words, ends, size) for size in self._sizes]
        found = pl.concat([*parts, pl.DataFrame(schema=SHARED)])
        return found.with_columns(text=order[found["text"].to_numpy()])

    def covered(self, shared: pl.DataFrame, by: str) -> pl.DataFrame:
        """The items of which half or more is covered, for each number of the column `by`.

        Columns: `by`, `item`, `starts` and `share`, in the order of the first two.
        """
        columns = (shared[name].to_numpy().astype(np.int64) for name in (by, "item", "start"))
        return self._covered(*columns).rename({"key": by})

    def _covered(self, keys: Ints, items: Ints, starts: Ints) -> pl.DataFrame:
        """The same by number: one sort of whole numbers, where millions of grams are shared."""
        bits, count = int(starts.max(initial=0)).bit_length(), max(len(self.words), 1)
        order = np.sort(((keys * count + items) << bits) | starts)
        order = order[np.diff(order, prepend=-1) != 0]  # np.unique takes many times as long
        pairs, starts = order >> bits, order & ((1 << bits) - 1)
        items, first = pairs % count, np.flatnonzero(np.diff(pairs, prepend=-1))
        adds = self.lengths[items]
        again = np.flatnonzero(pairs[1:] == pairs[:-1])
        adds[again] = np.minimum(adds[again], starts[again + 1] - starts[again])
        share = np.add.reduceat(adds, first) / self.words[items[first]] if len(first) else adds
        ends = np.append(first[1:], len(order))
        kept = np.flatnonzero(share >= COVERED)
        lists = [starts[first[at] : ends[at]] for at in kept]
        columns = {
            "key": (pairs[first] // count)[kept],
            "item": items[first][kept],
            "starts": pl.Series(lists, dtype=pl.List(pl.Int32)),
            "share": share[kept].astype(np.float64),
        }
        return pl.DataFrame(columns, schema=COVERS)

    @property
    def common(self) -> pl.DataFrame:
        """`item`, `start` of grams that several cases share, as forms of questions are."""
        columns = {
            "gram": self._hashes,
            "item": self._items,
            "start": self._starts.astype(np.int32),
            "wording": np.array(self._wordings, dtype=np.int64)[self._items],
        }
        rows = pl.DataFrame(columns)
        shared = pl.col("wording").n_unique().over("gram") > COMMON_CASES
        return rows.filter(shared).select("item", "start").unique()

    def _index(self, found: Sequence[tuple[Hashes, Ints, Ints]]) -> None:
        none = (np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
        hashes, items, starts = (np.concatenate(side) for side in zip(none, *found, strict=True))
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._items, self._starts = hashes[order], items[order], starts[order]
        self._sizes = sorted({int(size) for size in self.lengths if size})

    def _shared(self, words: Ints, ends: Ints, size: int) -> pl.DataFrame:
        places, hashes = _grams(words, size)
        first = np.searchsorted(self._hashes, hashes, side="left")
        counts = np.searchsorted(self._hashes, hashes, side="right") - first
        hit = np.flatnonzero(counts)
        counts = counts[hit]
        rows = np.repeat(first[hit], counts) + _within(counts)
        texts = np.repeat(np.searchsorted(ends, places[hit]), counts)
        same = self.lengths[self._items[rows]] == size
        columns = (texts[same], self._items[rows[same]], self._starts[rows[same]])
        return pl.DataFrame(dict(zip(SHARED, columns, strict=True)), schema=SHARED)


def length(words: int) -> int:
    """Of the grams of an item with so many words; 0 where only an equal request counts."""
    if words < SHORT:
        return 0
    return LONG_GRAM if words >= LONG else SHORT_GRAM


def common(shared: pl.DataFrame, groups: int) -> pl.DataFrame:
    """`item`, `start` of grams that are boilerplate, among rows `group`, `item`, `start`.

    A group counts once, as asking a thing often is no boilerplate; `groups` is their number.
    """
    if groups < COMMON_OF:
        return shared.select("item", "start").clear()
    seen = shared.select("group", "item", "start").unique().group_by("item", "start").len()
    many = max(COMMON_LEAST, COMMON_SHARE * groups)
    return seen.filter(pl.col("len") > many).select("item", "start")


_END = -1


class _Codes(dict[str, int]):
    """A number for each word of the cases; other words have none of their own."""

    def __init__(self, words: Iterable[str]) -> None:
        told = dict.fromkeys(word for word in words if not unit.is_numbered(word))
        self._own = {word: code for code, word in enumerate(told, start=2)}
        super().__init__(self._own)

    def __missing__(self, word: str) -> int:
        if len(self) > KNOWN:
            self.clear()
            self.update(self._own)
        code = _NUMBER if unit.is_numbered(word) else _APART
        self[word] = code
        return code

    def of(self, texts: Iterable[Sequence[str]]) -> Ints:
        """The words of texts one after another, an end after each."""
        flat = array("q")
        for words in texts:
            flat.extend(map(self.__getitem__, words))
            flat.append(_END)
        return np.frombuffer(flat, dtype=np.int64) if flat else np.empty(0, np.int64)

    def read(self, texts: Sequence[str]) -> Ints:
        """The same of texts that are not taken apart yet; most are ASCII, and read as columns."""
        parts = [
            self._plain(list(run)) if plain else self.of(map(unit.words, run))
            for plain, run in groupby(texts, str.isascii)
        ]
        return np.concatenate([*parts, np.empty(0, np.int64)])

    def _plain(self, texts: Sequence[str]) -> Ints:
        return np.concatenate([self._codes_of(found) for found in plainword.read(texts)])

    def _codes_of(self, found: Words) -> Ints:
        hashes, codes = self._known
        at = np.minimum(np.searchsorted(hashes, found.hashes), len(hashes) - 1)
        told = np.where(hashes[at] == found.hashes, codes[at], _APART)
        told = np.where(found.numbered, _NUMBER, told)
        return np.insert(told, found.ends, _END)

    @cached_property
    def _known(self) -> tuple[Hashes, Ints]:
        """The hashes of the cases' words, ascending, and their codes."""
        own = [word for word in self._own if word.isascii()] or [""]
        hashes = np.concatenate([found.hashes for found in plainword.read(own)])
        codes = np.array([self._own.get(word, _APART) for word in own], dtype=np.int64)
        if not len(hashes):
            return np.zeros(1, np.uint64), np.zeros(1, np.int64)
        order = np.argsort(hashes)
        return hashes[order], codes[order]


def _squeezed(words: Ints) -> Ints:
    """Runs of numbers as one: 3.50 is two words, and 350 is one."""
    number = words == _NUMBER
    again = number.copy()
    again[1:] &= number[:-1]
    again[:1] = False
    left: Ints = words[~again]
    return left


def _grams(words: Ints, size: int) -> tuple[Ints, Hashes]:
    """Where runs of so many known words begin, and what they hash to."""
    count = len(words) - size + 1
    if count <= 0:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    gaps = np.concatenate(([0], np.cumsum(words <= _APART)))
    starts = np.flatnonzero(gaps[size:] == gaps[:-size])
    found = np.zeros(len(starts), dtype=np.uint64)
    for place in range(size):
        found = (found ^ words[starts + place].astype(np.uint64)) * _PRIME
        found ^= found >> np.uint64(29)
    return starts, found ^ np.uint64(size)


_PRIME = np.uint64(0x9E3779B97F4A7C15)


def _within(counts: Ints) -> Ints:
    """0, 1, ... for each count in turn."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
