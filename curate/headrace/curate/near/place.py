"""Where a mask can begin: a pattern that is tried at every character costs ten times as much.

Each function gives every place of a normalised text at which its pattern of `mask` can match, in
order, and few more.
"""

import re
from collections.abc import Iterator

_DIGITS = re.compile(r"\d+")
_STRETCH = re.compile(r"\d[\d .-]{5,}\d")  # cards, addresses of machines, telephones
_CARD = 13  # digits of a card; a shorter number without separators is only a part of an IBAN
_GROUPED = 11  # characters of an SSN; a shorter one is an address of a machine, or a day
_DOTS = 3  # of an address of a machine
_NUMBER = re.compile(r"(?<!\w)\d")
_BANK = re.compile(r"(?<!\w)[a-z]{2}\d{2}")
_COUNTRY = 10  # most characters of an IBAN before the digits that follow its last letter
_GROUPS = re.compile(":[0-9a-f]{1,4}:[0-9a-f]{1,4}:")  # inside an IPv6 address
_GROUP = 4  # most letters of its first group
_SECRET = "[secret:"
_LOCAL = 64  # most letters of an e-mail address before its @
_MONTH = re.compile(r"[a-z]{3,9}\.?\Z")
_LONGEST = 11  # "september. "
_ENDS = frozenset(
    "jan ary feb mar rch apr ril may jun une jul uly aug ust sep ept ber oct nov dec".split()
)


def personal(text: str) -> list[int]:
    """Of secrets and personal data."""
    found = set(_numbers(text))
    if "@" in text:
        found.update(_locals(text))
    if "+" in text:
        found.update(at for at in _each("+", text) if text[at + 1 : at + 2].isdecimal())
    if _SECRET in text:
        found.update(_each(_SECRET, text))
    found.update(_groups(text))
    return sorted(found)


def plain(text: str) -> Iterator[int]:
    """Of dates, ids and numbers, each of which holds a digit."""
    last = 0  # end of the digits before
    for digits in _DIGITS.finditer(text):
        start, end = digits.span()
        before = text[start - 1] if start else ""
        if before == " ":
            if text[start - 4 : start - 1] in _ENDS or text[start - 2] == ".":
                yield from _month(text, start)
        elif before == "-" or before == "_" or before.isalnum():
            token = _run(text, last, start, "_-")
            if token > last or not last:
                yield token
            if before == "-":
                yield start - 1
        elif before == "+":
            yield start - 1
        yield start
        if end - start > 1:
            yield start + 1  # x12: the 2 is a number
        last = end


def _numbers(text: str) -> Iterator[int]:
    for stretch in _STRETCH.finditer(text):
        start, end = stretch.span()
        before = text[start - 1 : start]
        if before == " " or before.isalnum():
            for bank in _BANK.finditer(text, max(0, start - _COUNTRY), start + 2):
                yield bank.start()
        if end - start < _CARD and text[start:end].isdecimal():
            continue
        if end - start >= _GROUPED or text.count(".", start, end) >= _DOTS:
            yield from (number.start() for number in _NUMBER.finditer(text, start, end))
        bracket = start - 1 if before == ")" else start - 2
        if bracket >= 4 and text[bracket] == ")" and text[bracket - 4] == "(":
            yield bracket - 4


def _locals(text: str) -> Iterator[int]:
    for at in _each("@", text):
        start = _run(text, max(0, at - _LOCAL - 1), at, "_.+-")
        if 0 < at - start <= _LOCAL:
            yield start


def _groups(text: str) -> Iterator[int]:
    for groups in _GROUPS.finditer(text):
        first = groups.start()
        yield _run(text, max(0, first - _GROUP), first, "_")


def _month(text: str, day: int) -> Iterator[int]:
    word = _MONTH.search(text, max(0, day - _LONGEST), day - 1)
    if word:
        yield word.start()


def _run(text: str, least: int, end: int, signs: str) -> int:
    """Where the letters, digits and signs begin that end at `end`; `least` at the earliest."""
    at = end
    while at > least and ((char := text[at - 1]).isalnum() or char in signs):
        at -= 1
    return at


def _each(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
