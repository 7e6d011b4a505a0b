"""Telephone numbers: international, North American with separators, and whatever is named one.

Ten digits in a row are an order number more often than a telephone: without a name they stay.
"""

import re
from collections.abc import Iterable, Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Form, Kind, Span, digits, numbered, refilled

_INTERNATIONAL = re.compile(r"(?<![\w+])\+[1-9](?:[ ().\-/]{0,2}[0-9]){7,14}(?!\w|[-.]\w)")
_AMERICAN = re.compile(
    r"(?<!\w)(?<![\w][-./+=])(?:1[-. ])?(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}[-. ])"
    r"[2-9][0-9]{2}[-.][0-9]{4}(?!\w|[-.]\w)"
    r"|(?<!\w)\([2-9][0-9]{2}\) ?[2-9][0-9]{2} [0-9]{4}(?!\w)"
)
_NAMED = re.compile(
    r"\b(?:(?:tele)?phone|tel|mobile|cell|fax|whatsapp|sms)(?: (?:number|no|nr))?\b\.?"
    r"[^\w\n+(]{0,4}(?:(?:is|at|to|was)\s+)?"
    r"(?P<number>[+(]?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14})(?!\w|[-.]\w)",
    re.IGNORECASE,
)
_NAMES = ("telephone", "phone", "tel", "mobile", "cell", "fax", "whatsapp", "sms")  # of `_NAMED`
_END = re.compile("[0-9]{3}[-. ][0-9]{4}")  # of an American one
_TYPED = re.compile(r"\s*([+(]?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14})\s*")
_DATE = re.compile(r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}")


def find(text: str) -> Iterator[Span]:
    if "+" in text:
        yield from _unnamed(_INTERNATIONAL, text)
    if _END.search(text):
        yield from _unnamed(_AMERICAN, text)
    for found in _named(text):
        if not _invented(found["number"]) and not _DATE.match(found["number"]):
            yield found.span("number")


def _unnamed(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (f.span() for f in pattern.finditer(text) if not _invented(f[0]))


def _named(text: str) -> Iterator[re.Match[str]]:
    """Names are looked for as plain words: a pattern tried at every letter takes far longer."""
    lower = text.lower()
    if len(lower) != len(text) or "ı" in text or "ſ" in text:  # they too are an i and an s
        yield from _NAMED.finditer(text)
        return
    done = 0
    for at in sorted(at for name in _NAMES for at in _places(name, lower)):
        if at >= done and (found := _NAMED.match(text, at)):
            yield found
            done = found.end()


def _places(name: str, lower: str) -> Iterator[int]:
    at = lower.find(name)
    while at >= 0:
        yield at
        at = lower.find(name, at + 1)


def typed(text: str) -> Iterator[Span]:
    found = _TYPED.fullmatch(text)
    if found is None:
        yield from find(text)
    elif not _invented(found[1]) and not _DATE.match(found[1]):
        yield found.span(1)


def _canonical(text: str) -> str:
    number = digits(text)
    return number[1:] if len(number) == 11 and number[0] == "1" else number


def _invented(text: str) -> bool:
    """555-0100 to 555-0199 are kept free for fiction in every area of North America."""
    number = _canonical(text)
    return len(number) == 10 and number[3:8] == "55501"


def _surrogate(written: str, draw: Draw) -> str:
    number = digits(written)
    area = 200 + draw.below(800)
    fresh = f"{area}55501{draw.digits(2)}"
    if len(number) == 10 and "+" not in written:
        return refilled(written, fresh)
    if len(number) == 11 and number[0] == "1":
        return refilled(written, f"1{fresh}")
    bare = written.lstrip("+").isdigit()
    shown = fresh if bare else f"{area}-555-{fresh[6:]}"
    return f"+1{'' if bare else ' '}{shown}" if "+" in written else shown


def _forms(value: str) -> Iterable[Form]:
    return numbered(_canonical(value))


PHONE = Kind(
    name="phone",
    about="telephone numbers: with a plus, North American with separators, or named as one",
    hint=r"\+[1-9]|[0-9]{3}[)]?[-. ]?[0-9]{3}[-. ][0-9]{4}"
    "|(?i:phone|tel|mobile|cell|fax|whatsapp|sms)",
    find=find,
    typed=typed,
    canonical=_canonical,
    surrogate=_surrogate,
    forms=_forms,
)
