"""Dates of birth: a date is one only where something says so."""

import re
from collections.abc import Iterator, Sequence

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span, spelled

_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_BY_NAME = {month[:3]: number for number, month in enumerate(_MONTHS, 1)}
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = (
    r"(?:[0-9]{4}(?P<a>[-/.])[0-9]{1,2}(?P=a)[0-9]{1,2}|[0-9]{1,2}(?P<b>[-/.])[0-9]{1,2}(?P=b)(?:[0-9]{4}|[0-9]{2})"
    rf"|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}\.?,? [0-9]{{4}})(?![0-9])"
)
_ANY = re.compile(rf"(?<![\w])(?P<date>{_DATE})", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:dob|d\.o\.b\.|date of birth|birth ?date|birthday|born)\b[^\w\n]{0,4}"
    rf"(?:(?:on|is|was)\s+)?(?P<date>{_DATE})",
    re.IGNORECASE,
)
_ISO = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")  # most are written so
_PART = re.compile("(?P<number>[0-9]+)(?:st|nd|rd|th)?|(?P<month>[A-Za-z]{3,})", re.IGNORECASE)


def find(text: str) -> Iterator[Span]:
    return _dates(_TOLD, text)


def typed(text: str) -> Iterator[Span]:
    return _dates(_ANY, text)


def _dates(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        if not 1900 <= _read(found["date"])[0] <= 1909:  # surrogates
            yield found.span("date")


def _read(text: str) -> tuple[int, int, int]:
    """The year, the lesser and the greater of month and day, as their order may be either."""
    if iso := _ISO.fullmatch(text):
        year, *rest = map(int, iso.groups())
        if year > 31 and min(rest) > 0:
            return year, min(rest), max(rest)
    numbers = [_value(part) for part in _PART.finditer(text)]
    known: Sequence[int] = [number for number in numbers if number]
    place = next((i for i, number in enumerate(known) if number > 31), len(known) - 1)
    year, rest = known[place], sorted([*known[:place], *known[place + 1 :]])
    if year < 100:
        year += 1900 if year > 30 else 2000
    return year, rest[0] if rest else 0, rest[-1] if rest else 0


def _value(part: re.Match[str]) -> int:
    if part["number"]:
        return int(part["number"])
    return _BY_NAME.get(part["month"][:3].title(), 0)


def _canonical(text: str) -> str:
    year, less, more = _read(text)
    return f"{year:04d}-{less:02d}-{more:02d}"


def _surrogate(written: str, draw: Draw) -> str:
    """A date of 1900 to 1909 in the same form; its day could be a month, in either order."""
    year, less, more = _read(written)
    fresh = {less: 1 + draw.below(12), year: 1900 + draw.below(10)}
    fresh[more] = fresh[less] if more == less else 1 + draw.below(12)

    def other(part: re.Match[str]) -> str:
        value = _value(part)
        if part["month"]:
            name = _MONTHS[fresh[value] - 1] if value in fresh else part[0]
            return name[:3] if len(part[0]) == 3 else name
        new = fresh.get(value, fresh[year])  # what is neither is the year in two digits
        return str(new) if new > 31 else f"{new:0{len(part['number'])}d}"

    return _PART.sub(other, written)


BIRTH = Kind(
    name="birth",
    about="dates of birth: under a key, or after words, that say so",
    hint="(?i:dob|d[.]o[.]b|birth|born)",
    find=find,
    typed=typed,
    canonical=_canonical,
    surrogate=_surrogate,
    forms=spelled,
)
