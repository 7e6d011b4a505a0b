"""Card numbers: the range of an issuer, its length, and Luhn's check digit (ISO/IEC 7812)."""

import re
from collections.abc import Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span, digits, numbered, refilled

_NUMBER = re.compile(
    r"(?<![\w])(?<![\w][-.+])(?:[0-9]{13,19}"
    r"|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})(?!\w|[-.]\w)"
)
_TYPED = re.compile(r"\s*([0-9](?:[ -]?[0-9]){11,18})\s*")
_ISSUED = re.compile(
    "4(?:.{12}|.{15}|.{18})|5[1-5].{14}|2[2-7].{14}|3[47].{13}|3(?:0[0-5]|[689]).{11,16}"
    "|35(?:2[89]|[3-8]).{12}|6(?:011|5|4[4-9]).{12,16}|62.{14,17}|(?:50|5[6-9]|6[37]).{10,17}"
)
# payment providers give these out for tests: no card begins so
_TEST = "424242"
_TEST_AMEX = "378282"


def luhn(number: str) -> bool:
    """Whether the last digit of a number is its check digit."""
    return check_digit(number[:-1]) == number[-1]


def check_digit(body: str) -> str:
    doubled = (int(d) * (2 - i % 2) for i, d in enumerate(reversed(body)))
    return str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


def find(text: str) -> Iterator[Span]:
    for found in _NUMBER.finditer(text):
        number = digits(found[0])
        if _ISSUED.fullmatch(number) and luhn(number) and not _invented(number):
            yield found.span()


def typed(text: str) -> Iterator[Span]:
    """Under a key that says so, numbers with a slip in them too."""
    found = _TYPED.fullmatch(text)
    if found and not _invented(digits(found[0])):
        yield found.span(1)
    elif not found:
        yield from find(text)


def _invented(number: str) -> bool:
    return number.startswith((_TEST, _TEST_AMEX))


def _surrogate(written: str, draw: Draw) -> str:
    number = digits(written)
    prefix = _TEST_AMEX if len(number) == 15 else _TEST
    body = prefix + draw.digits(len(number) - len(prefix) - 1)
    return refilled(written, body + check_digit(body))


CARD = Kind(
    name="card",
    about="card numbers that Luhn's check confirms, but test cards",
    hint="[0-9]{13}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4}",
    find=find,
    typed=typed,
    canonical=digits,
    surrogate=_surrogate,
    forms=numbered,
)
