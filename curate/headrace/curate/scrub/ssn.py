"""US social security numbers: three digits, two, four, of areas that are given out."""

import re
from collections.abc import Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span, digits, numbered, refilled

_AREA = "(?!000|666|9)[0-9]{3}"
_NUMBER = re.compile(
    rf"(?<!\w)(?<![\w][-.]){_AREA}-(?!00)[0-9]{{2}}-(?!0000)[0-9]{{4}}(?!\w|[-.]\w)"
)
_TOLD = re.compile(
    r"\b(?:ssn|social security(?: (?:number|no|nr))?)\b[^\w\n]{0,4}(?:(?:is|was)\s+)?"
    rf"({_AREA}[ .-]?[0-9]{{2}}[ .-]?[0-9]{{4}})(?!\w|[-.]\w)",
    re.IGNORECASE,
)
_TYPED = re.compile(rf"\s*({_AREA}[ .-]?[0-9]{{2}}[ .-]?[0-9]{{4}})\s*")


def find(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _NUMBER.finditer(text))
    yield from (found.span(1) for found in _TOLD.finditer(text))


def typed(text: str) -> Iterator[Span]:
    found = _TYPED.fullmatch(text)
    return iter([found.span(1)]) if found else find(text)


def _surrogate(written: str, draw: Draw) -> str:
    """Areas from 900 on belong to tax numbers, whose groups begin at 50: below, to nobody."""
    area, group = 900 + draw.below(100), 10 + draw.below(40)
    return refilled(written, f"{area}{group}{1 + draw.below(9999):04d}")


SSN = Kind(
    name="ssn",
    about="US social security numbers: with hyphens, or where they are named",
    hint="[0-9]{3}-[0-9]{2}-[0-9]{4}|(?i:ssn|social security)",
    find=find,
    typed=typed,
    canonical=digits,
    surrogate=_surrogate,
    forms=numbered,
)
