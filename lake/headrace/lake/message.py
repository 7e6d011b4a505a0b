"""The canonical message: OpenAI chat shape, stored once, named by the hash of its JSON.

Shape: `{"role", "content", "tool_calls"?, "tool_call_id"?, "reasoning_content"?, "name"?}` with
tool-call arguments as a JSON *string* whose key order is the order in which the model wrote.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Self

import msgspec

Body = dict[str, Any]


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
    """Canonical JSON: sorted keys, no spaces, no ASCII escapes, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


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
