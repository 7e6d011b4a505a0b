"""Postal addresses, known by the keys they stand under, and by those alone."""

import re
from collections.abc import Iterable, Iterator

from headrace.curate.scrub import fiction
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Form, Kind, Span, nowhere

_LONGEST = 200
_OTHER = re.compile(r"@|://|^[0-9a-fA-F:.x]+$")  # addresses of mail, of pages, of machines
_LINE = re.compile(r"\s*(\S[^,\n]*?)\s*(?:[,\n]|$)")


def typed(text: str) -> Iterator[Span]:
    """All of it, less the invented street that it may begin with."""
    own = text.strip()
    start = text.find(own) if own else 0
    if _postal(own):
        yield start, start + len(own)


def _postal(text: str) -> bool:
    if not 5 <= len(text) <= _LONGEST or _OTHER.search(text) or fiction.no_street(text):
        return False
    told = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    return told and any(c.isspace() for c in text)


def _canonical(text: str) -> str:
    """The line that tells the house: an address is written with its town and without."""
    return " ".join(_house(text).casefold().split())


def _house(text: str) -> str:
    line = _LINE.match(text)
    return line[1] if line and _postal(line[1]) else text


def _surrogate(written: str, draw: Draw) -> str:
    return fiction.street(draw)


def _forms(value: str) -> Iterable[Form]:
    """The address, and its first line, where that tells a house."""
    return (Form(form, "folded") for form in dict.fromkeys((value, _house(value))))


ADDRESS = Kind(
    name="address",
    about="addresses that stand under a key of their episode, wherever they come again in it",
    hint=None,
    find=nowhere,
    typed=typed,
    canonical=_canonical,
    surrogate=_surrogate,
    forms=_forms,
)
