"""The words of ASCII texts as hashes, made from whole columns of characters.

A word is what `unit.words` takes for one. Its hash is a polynomial in its characters modulo 2**64,
read off a running sum: the base is odd, so that every power of it has an inverse.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

BLOCK = 2**17  # characters that are held as columns at once: these stay in the cache

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_MODULUS = 2**64


class Words(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The words of some texts in their order."""

    hashes: Hashes
    numbered: NDArray[np.bool_]  # with a digit in it
    ends: Ints  # how many words stand before the end of each text


def read(texts: Sequence[str]) -> Iterator[Words]:
    """Texts in blocks; one that is longer than a block is a block of its own."""
    held: list[str] = []
    size = 0
    for text in texts:
        if held and size + len(text) >= BLOCK:
            yield _read(held)
            held, size = [], 0
        held.append(text)
        size += len(text) + 1
    if held:
        yield _read(held)


def _read(texts: Sequence[str]) -> Words:
    raw = np.frombuffer("\n".join([*texts, ""]).encode("ascii"), dtype=np.uint8)
    values, digits = _values(), _digits()
    told = values[raw]
    edges = np.flatnonzero(np.diff(told != 0, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    powers, inverses = _powers(max(BLOCK, len(raw)))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(told * powers[: len(raw)])))
    counts = np.concatenate(([0], np.cumsum(digits[raw], dtype=np.int64)))
    stops = np.cumsum([len(text) + 1 for text in texts]) - 1
    return Words(
        hashes=(sums[ends] - sums[starts]) * inverses[starts],
        numbered=counts[ends] > counts[starts],
        ends=np.searchsorted(starts, stops),
    )


@cache
def _values() -> Hashes:
    """What each character stands for; 0: it is no part of a word."""
    drawn = np.random.default_rng(20_261_101).integers(1, 2**63, 256, dtype=np.uint64)
    found = np.zeros(256, dtype=np.uint64)
    for code in range(128):
        if chr(code).isalnum() or chr(code) == "_":
            found[code] = drawn[ord(chr(code).lower())] | np.uint64(1)
    return found


@cache
def _digits() -> NDArray[np.bool_]:
    return np.array([chr(code).isdigit() and code < 128 for code in range(256)])


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Of the base and of its inverse, from the first on."""
    bases = (_BASE, pow(_BASE, -1, _MODULUS))
    one, other = (
        np.cumprod(
            np.concatenate((np.ones(1, np.uint64), np.full(count, base, np.uint64))),
            dtype=np.uint64,
        )
        for base in bases
    )
    return one, other
