"""The canonical message: OpenAI chat shape, stored once, named by the hash of its JSON.

Shape: `{"role", "content", "tool_calls"?, "tool_call_id"?, "reasoning_content"?, "name"?}` with
tool-call arguments as a JSON *string* whose key order is the order in which the model wrote.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from types import NoneType
from typing import Any, Self

import msgspec
import orjson

Body = dict[str, Any]

_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_ALIKE = {str, int, bool, NoneType}  # what orjson writes as `json` does
_OTHER = {dict, list, float}  # what may be alike
_USUAL = (1e-4, 1e16)  # floats within are written without an exponent, by everyone alike


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `messages`."""

    hash: str  # blake2b-128 of the canonical JSON, hex
    role: str
    body: str  # canonical JSON
    chars: int  # of content, reasoning and call arguments

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The row for a canonical message; keys whose value is None are left out of the hash."""
        text = dump({k: v for k, v in body.items() if v is not None or k == "content"})
        return cls(hash=digest(text), role=str(body["role"]), body=text, chars=chars(body))


def dump(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, no ASCII escapes, numbers as Python writes them.

    Raises ValueError for NaN and infinity.
    """
    if not _alike(value):
        return _CANONICAL.encode(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # half a character, or a number of more than 64 bits
        return _CANONICAL.encode(value)


def _alike(value: object) -> bool:
    """Whether orjson, which is ten times faster, gives the same text."""
    held = value.values() if type(value) is dict else value if type(value) is list else (value,)
    kinds = set(map(type, held)) - _ALIKE
    if not kinds:
        return True
    if not kinds <= _OTHER:
        return False
    return all(_usual(i) if type(i) is float else _alike(i) for i in held if type(i) in _OTHER)


def _usual(number: float) -> bool:
    least, most = _USUAL
    return least <= abs(number) < most or number == 0


def digest(text: str) -> str:
    """32 hex digits (blake2b-128) that name a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def chars(body: Mapping[str, Any]) -> int:
    """Characters a model reads or writes in this message; characters / 4 estimates tokens."""
    calls = body.get("tool_calls") or []
    return (
        len(text_of(body.get("content")))
        + len(str(body.get("reasoning_content") or ""))
        + sum(len(c["function"]["name"]) + len(c["function"]["arguments"]) for c in calls)
    )


def text_of(content: object) -> str:
    """The text of a content field: a string, null, or a list of parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "\n".join(_texts(content))
    return dump(content)


def _texts(parts: Iterable[object]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            yield part["text"]
