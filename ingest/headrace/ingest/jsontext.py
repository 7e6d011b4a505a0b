"""JSON inside strings, where everything is hostile until bounded."""

import json
import math
import re

import msgspec

from headrace.lake.message import dump

DEPTH = 64  # deepest nesting that is read
VALUES = 1_000_000  # of one text: an empty list is 3 bytes in JSON and 60 in memory

_UNREADABLE = (ValueError, RecursionError, MemoryError)  # UnicodeError is a ValueError
_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MARK = b"\xef\xbb\xbf"  # some editors begin files with it
_QUOTED = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # linear also where no quote ends
_NESTED = (dict, list)
_BRACKET = re.compile(rb"[][{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_strict = msgspec.json.Decoder().decode
_written = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str).encode


def parse(text: str) -> object:
    """The value of a JSON text, or None where it is no JSON, too deep or of too many values.

    Bare NaN and Infinity are read as text: they are no JSON, but Python products write them.
    """
    if len(text) > 2 * VALUES and crowded(text.encode("utf-8", "replace")):
        return None
    try:
        value = _strict(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _lenient(text)
    return None if _openers(text) > DEPTH and _deeper(value, DEPTH) else value


def _lenient(text: str) -> object:
    """What products write and no specification allows: NaN, halves of a character."""
    try:
        value: object = json.loads(text, parse_constant=str)
    except _UNREADABLE:
        return None
    return cleaned(value) if "\\u" in text else value


def value_of(attribute: object) -> object:
    """An attribute that may hold JSON as text: the value; what is no string stays as it is."""
    return parse(attribute) if isinstance(attribute, str) else attribute


def cut(attribute: object, value: object) -> bool:
    """Whether a text begins as an object or a list and was read, as `value`, to be none."""
    if value is not None or not isinstance(attribute, str):
        return False
    return attribute.lstrip()[:1] in ("{", "[")


def written(value: object) -> str:
    """JSON as products and models write it: key order kept, `", "` and `": "`, no ASCII escapes.

    Raises ValueError for NaN, infinity and what is deeper than Python can follow.
    """
    try:
        return _written(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def clean(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, which no UTF-8 can hold."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cleaned(value: object) -> object:
    """A JSON value that any reader takes: strings cleaned, numbers without bounds as words."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def dumped(value: object) -> str:
    """Canonical JSON of what is not trusted: `dump(cleaned(value))`, for keys that are text."""
    try:
        text = dump(value)
    except ValueError:  # a number without bounds
        return dump(cleaned(value))
    return text if clean(text) is text else dump(cleaned(value))


def whole(payload: bytes) -> bytes:
    """JSON without a byte order mark, and with U+FFFD for escaped halves of a character.

    Texts that were cut end in such halves.
    """
    payload = payload.removeprefix(_MARK)
    return _ESCAPE.sub(_paired, payload) if _SUSPECT.search(payload) else payload


def deep(payload: bytes) -> bool:
    """Whether a JSON text nests deeper than `DEPTH`; what is quoted does not count."""
    if payload.count(b"[") + payload.count(b"{") <= DEPTH:
        return False
    level = 0
    for bracket in _BRACKET.findall(_QUOTED.sub(b"", payload)):
        level += 1 if bracket in b"[{" else -1
        if level > DEPTH:
            return True
    return False


def crowded(payload: bytes) -> bool:
    """Whether a JSON text has more than about `VALUES` values and keys, what is quoted aside."""
    if _most(payload) <= VALUES:
        return False
    return _most(_QUOTED.sub(b"", payload)) > VALUES


def _most(payload: bytes) -> int:
    """At least the number of values and keys: each but the first comes after one of these."""
    return sum(payload.count(mark) for mark in (b",", b":", b"[", b"{"))


def _paired(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape["lone"] else escape[0]


def _openers(text: str) -> int:
    return text.count("[") + text.count("{")


def _deeper(value: object, limit: int) -> bool:
    """Whether a value nests deeper; a JSON decoder makes no other containers than these two."""
    level: list[object] = [value] if type(value) in _NESTED else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            item
            for outer in level
            for item in (outer.values() if type(outer) is dict else outer)  # type: ignore[attr-defined]
            if type(item) in _NESTED
        ]
    return bool(level)
