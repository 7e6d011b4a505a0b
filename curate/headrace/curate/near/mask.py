"""Coarse masks: what differs between two fillings of one request, replaced by its kind.

Masking is the strongest dedupe there is. It tells by shape alone: a check digit would give two
fillings of one template two masks. Booleans and enum values stay, as they carry the intent; masks
hide direction, so equal masked requests are one shape of request, not one prompt.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from headrace.curate import unit

MASK = "mask/1"  # part of every key made from a masked text

SHORTEST = 3  # characters of a value; shorter ones are everywhere
MOST_WORDS = 4  # of a value: a longer one is a sentence, not the filling of a slot

_WITHIN = r"[^\W\u3040-\u30ff\u4e00-\u9fff]"  # of a word; Chinese and Japanese put no spaces
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


_FIRST, _LAST = _either(_PERSONAL), _either(_PLAIN)


def masked(text: str, values: Iterable[str] = ()) -> str:
    """A text normalised, then masked: secrets, personal data, values, dates, ids, numbers.

    `values` are those of `slots`; one that is most of the text stays, or it would say nothing.
    """
    hidden = _hide(_FIRST, unit.norm(text))
    pattern = _exactly(v for v in values if 2 * len(v) <= len(hidden) and v in hidden)
    return _hide(_LAST, pattern.sub("<value>", hidden) if pattern else hidden)


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
    return (
        len(value) >= SHORTEST
        and value.count(" ") < MOST_WORDS
        and not re.fullmatch(r"(?:<\w+>[ .,-]?)+", masked(value))
    )


def _hide(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(_kind, text)


def _kind(found: re.Match[str]) -> str:
    kinds = found.groupdict()
    return f"<{next(kind for kind, text in kinds.items() if text and kind != 'stroke')}>"


def _exactly(values: Iterable[str]) -> re.Pattern[str] | None:
    """Any of the values as whole words, the longest first; masks stay as they are."""
    longest = sorted(values, key=lambda value: (-len(value), value))
    either = "|".join(map(re.escape, longest))
    return re.compile(f"(?<!{_WITHIN}|<)(?:{either})(?!{_WITHIN}|>)") if longest else None
