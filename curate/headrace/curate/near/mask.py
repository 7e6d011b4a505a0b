"""Coarse masks: what differs between two fillings of one request, replaced by its kind.

Masking is the strongest dedupe there is. It tells by shape alone: a check digit would give two
fillings of one template two masks. Booleans and enum values stay, as they carry the intent; masks
hide direction, so equal masked requests are one shape of request, not one prompt.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from headrace.curate import unit
from headrace.curate.near import place
from headrace.curate.near.shape import LONGEST, pieces, shape

MASK = "mask/1"  # part of every key made from a masked text

SHORTEST = 3  # characters of a value; shorter ones are everywhere
MOST_WORDS = 4  # of a value: a longer one is a sentence, not the filling of a slot

_KEPT = 16_384  # shapes and values that are remembered

_WITHIN = re.compile(
    r"[^\W\u3040-\u30ff\u4e00-\u9fff]"
)  # of a word; Chinese and Japanese put no spaces
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_ISO = rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[t ]{_CLOCK}(?:z| ?[+-]\d{{2}}:?\d{{2}})?)?"
# Each begins where no longer run of its own characters does: time stays linear in the text.
_PERSONAL = {
    "secret": r"\[secret:[^\]\s]{1,40}\]\**",
    "email": r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    "iban": r"(?<!\w)[a-z]{2}\d{2} ?(?:[a-z0-9]{4} ?)?(?:\d{4} ?){2,6}\d{0,4}(?!\w)",
    "card": r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?!\w)",
    "ip": r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}:?[0-9a-f]{1,4}(?![\w:])",
    "ssn": r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
    "phone": r"(?<![\w+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,5}"
    r"|(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?!\w)",
}
_PLAIN = {
    "date": rf"(?<![\w-]){_ISO}(?!\w)"
    r"|(?<![\w/.])\d{1,2}(?P<stroke>[/.])\d{1,2}(?P=stroke)\d{2,4}(?!\w)"
    rf"|(?<!\w){_DAY} (?:of )?{_MONTH}(?:,? \d{{4}})?(?!\w)"
    rf"|(?<!\w){_MONTH} (?:{_DAY}(?:,? \d{{4}})?|\d{{4}})(?!\w)"
    rf"|(?<![\w:]){_CLOCK}(?: ?[ap]m)?(?![\w:])|(?<!\w)\d{{1,2}} ?[ap]m(?!\w)",
    # "24-hour", "10gb" and "12th" are numbers with a word
    "id": r"(?<![\w-])(?!\d+(?:-[a-z]+)+(?![\w-]))(?!\d+[a-z]{1,3}(?![\w-]))"
    r"(?=[\w-]{0,200}?\d)(?=[\w-]{0,200}?[a-z])[a-z0-9][\w-]{3,}",
    "num": r"(?<![a-z_])[+-]?\d+(?:[.,:/]\d+)*",
}


def _either(kinds: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{kind}>{shape})" for kind, shape in kinds.items()))


_MASKS = re.compile(r"(?:<\w+>[ .,-]?)+")
_BOUNDS = frozenset(["", *" !\"#$%&'()*+,-./:;=?@[\\]^`{|}~"])  # beside a word; not those of a mask

Mask = tuple[int, int, str]  # where it begins and ends, and the mask
FIRST, LAST = _either(_PERSONAL), _either(_PLAIN)


def masked(text: str, values: Iterable[str] = ()) -> str:
    """A text normalised, then masked: secrets, personal data, values, dates, ids, numbers.

    `values` are those of `slots`; one that is most of the text stays, or it would say nothing.
    """
    return masked_norm(unit.norm(text), values)


def masked_norm(text: str, values: Iterable[str] = ()) -> str:
    """What `masked` gives, of a text that is normalised already."""
    hidden = _hide(FIRST, text, place.personal(text))
    told = [value for value in values if 2 * len(value) <= len(hidden) and value in hidden]
    filled = _fill(hidden, told) if told else hidden
    return _hide_plain(filled)


def slots(arguments: Iterable[object], enums: Iterable[str]) -> frozenset[str]:
    """The values of an episode's tool arguments (parsed JSON) that fill a slot of its request.

    Not among them: booleans, values of enums, very short and very long ones, and what is masked
    by its shape anyway, which must have one mask whether a tool was called with it or not.
    """
    kept = set(enums)
    found = {unit.norm(str(leaf)) for given in arguments for leaf in leaves(given)}
    return frozenset(value for value in found - kept if _is_slot(value))


def leaves(value: object) -> Iterator[str | int | float]:
    """The texts and numbers in a JSON value, at any depth; no booleans."""
    stack = [value]
    while stack:
        match stack.pop():
            case bool() | None:
                pass
            case dict() as fields:
                stack.extend(fields.values())
            case list() as items:
                stack.extend(items)
            case str() | int() | float() as leaf:
                yield leaf


def _is_slot(value: str) -> bool:
    if len(value) < SHORTEST or value.count(" ") >= MOST_WORDS:
        return False
    return not (_is_masked_again(value) if len(value) <= LONGEST else _is_masked(value))


def _is_masked(value: str) -> bool:
    """Whether nothing but masks is left of a normalised value."""
    return bool(_MASKS.fullmatch(masked(value)))


_is_masked_again = lru_cache(_KEPT)(_is_masked)


def _hide(pattern: re.Pattern[str], text: str, places: Iterable[int]) -> str:
    """The text with each match replaced by its kind; none begins elsewhere than at `places`."""
    out: list[str] = []
    done = 0
    for at in places:
        if at >= done and (found := pattern.match(text, at)):
            out += (text[done:at], f"<{found.lastgroup}>")
            done = found.end()
    return "".join([*out, text[done:]]) if out else text


def _hide_plain(text: str) -> str:
    """The text without dates, ids and numbers; those of one shape are looked for once."""
    line = shape(text)
    if line is None:
        return _hide(LAST, text, place.plain(text))
    out: list[str] = []
    done = 0
    for start, piece in pieces(line):
        for first, last, mask in _plain_again(piece) if len(piece) <= LONGEST else _plain(piece):
            out += (text[done : start + first], mask)
            done = start + last
    return "".join([*out, text[done:]]) if out else text


def _plain(piece: str) -> tuple[Mask, ...]:
    found: list[Mask] = []
    done = 0
    for at in place.plain(piece):
        if at >= done and (mask := LAST.match(piece, at)):
            done = mask.end()
            found.append((at, done, f"<{mask.lastgroup}>"))
    return tuple(found)


_plain_again = lru_cache(_KEPT)(_plain)


def _fill(text: str, values: Iterable[str]) -> str:
    """Without the values where they stand as whole words, the longest first; masks stay."""
    found = sorted((at, -len(value)) for value in values for at in _places(value, text))
    out: list[str] = []
    done = 0
    for at, length in found:
        if at >= done:
            out += (text[done:at], "<value>")
            done = at - length
    return "".join([*out, text[done:]])


def _places(value: str, text: str) -> Iterator[int]:
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(value) : at + len(value) + 1]
        if _bounds(before, "<") and _bounds(after, ">"):
            yield at
        at = text.find(value, at + 1)


def _bounds(sign: str, mask: str) -> bool:
    """Whether a word may begin or end beside it; inside a mask none does."""
    return sign in _BOUNDS or not (sign == mask or _WITHIN.match(sign))
