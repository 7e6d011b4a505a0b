"""A kind of personal data: how it is found, and what stands in for it."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from headrace.curate.scrub.draw import Draw

Span = tuple[int, int]  # start and end in characters
Find = Callable[[str], Iterator[Span]]

_DIGIT = re.compile("[0-9]")
_LEAST_DIGITS = 7  # of a number that is looked for elsewhere


def nowhere(text: str) -> Iterator[Span]:
    """Finds nothing: what is known by its key alone."""
    return iter(())


class Form(msgspec.Struct, frozen=True):
    """How a value that a key told is looked for in the rest of its episode."""

    text: str
    # folded: in any case; joined: so, but only beside another name; digits: grouped in any way
    how: Literal["exact", "folded", "joined", "digits"]


def unsought(value: str) -> Iterable[Form]:
    """Not at all: its detector finds every occurrence by itself."""
    return ()


def spelled(value: str) -> Iterable[Form]:
    return (Form(value, "exact"),)


def numbered(value: str) -> Iterable[Form]:
    own = digits(value)
    return (Form(own, "digits"),) if len(own) >= _LEAST_DIGITS else ()


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalogue."""

    name: str
    about: str
    hint: str | None  # RE2; a text that it does not match holds none. None: only keys tell
    find: Find  # in any text
    typed: Find  # in a value whose key names the kind: less is asked for
    canonical: Callable[[str], str]  # one for all spellings of a value
    surrogate: Callable[[str, Draw], str]  # as the value was written
    forms: Callable[[str], Iterable[Form]] = unsought


def digits(text: str) -> str:
    return text if text.isascii() and text.isdecimal() else "".join(_DIGIT.findall(text))


def refilled(written: str, fresh: str) -> str:
    """A number with other digits, as many as it has, and its separators."""
    left = iter(fresh)
    return _DIGIT.sub(lambda _: next(left), written)
