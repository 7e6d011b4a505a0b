"""Postal codes, known by the keys they stand under."""

import re
from collections.abc import Iterable, Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Form, Kind, Span, nowhere

_CODE = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9 -]{2,9}[A-Za-z0-9])\s*")
_CHAR = re.compile("[A-Za-z0-9]")


def typed(text: str) -> Iterator[Span]:
    found = _CODE.fullmatch(text)
    if found and any(c.isdigit() for c in found[1]) and not _invented(found[1]):
        yield found.span(1)


def _canonical(text: str) -> str:
    plain = text.isascii() and text.isalnum()
    return (text if plain else "".join(_CHAR.findall(text))).upper()


def _invented(text: str) -> bool:
    """No code begins with three zeros, or is of no letters but Z."""
    own = _canonical(text)
    if own.isdigit():
        return set(own[:-2]) == {"0"}
    return {c for c in own if c.isalpha()} == {"Z"}


def _surrogate(written: str, draw: Draw) -> str:
    own = _canonical(written)
    if own.isdigit():
        fresh = "0" * (len(own) - 2) + draw.digits(2)
    else:
        fresh = "".join(draw.digits(1) if c.isdigit() else "Z" for c in own)
    left = iter(fresh)
    return _CHAR.sub(lambda _: next(left), written)


def _forms(value: str) -> Iterable[Form]:
    return (Form(value, "exact"),) if len(value) >= 5 else ()


POSTCODE = Kind(
    name="postcode",
    about="postal codes that stand under a key of their episode",
    hint=None,
    find=nowhere,
    typed=typed,
    canonical=_canonical,
    surrogate=_surrogate,
    forms=_forms,
)
