"""JSON with one value changed, also in the JSON that its strings hold."""

import json
import random
from typing import Any

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, -0.0, 2**31, 2**63, -(2**63) - 1, 10**400,
    "", "x", "NaN", "Infinity", "-1e999", "9" * 5_000, "\ud800", "\udc00\ud800", "a\0b", "\x7f",
    "x" * 5_000, "\u2028", "{}", "[]", "[[", '{"a": NaN}', '{"role": "user"}',
    [], {}, [None], [[]], {"": None}, {"key": 7}, {"role": "assistant", "content": None},
    {"role": []}, [{"role": "tool"}], {"type": "text"},
)  # fmt: skip
TOKENS = (
    "NaN",
    "-Infinity",
    "1e400",
    "-0",
    "01",
    "1" * 5_000,
    "tru",
    '"\\ud83d"',
    '"\\u12"',
    "'x'",
)
MARK = "@raw@"
KEYS = (
    "role",
    "content",
    "parts",
    "type",
    "name",
    "arguments",
    "tool_calls",
    "id",
    "text",
    "value",
)


def damaged(payload: bytes, rng: random.Random) -> bytes:
    """The text with one value changed; what is no JSON stays as it is."""
    try:
        changed = _changed(json.loads(payload), rng, 0)
        text = json.dumps(changed, ensure_ascii=rng.random() < 0.5)
    except (ValueError, RecursionError):  # deepened twice it is too deep for this writer too
        return payload
    while f'"{MARK}"' in text:
        text = text.replace(f'"{MARK}"', rng.choice(TOKENS), 1)
    return text.encode("utf-8", "surrogatepass")


def _changed(value: Any, rng: random.Random, depth: int) -> Any:
    """One place below a value is another: mostly deep down, where the content lies."""
    if depth < 30 and rng.random() < 0.93:
        if isinstance(value, dict) and value:
            key = rng.choice(list(value))
            return {**value, key: _changed(value[key], rng, depth + 1)}
        if isinstance(value, list) and value:
            at = rng.randrange(len(value))
            return [*value[:at], _changed(value[at], rng, depth + 1), *value[at + 1 :]]
        if (
            isinstance(value, str)
            and value[:1] in ("[", "{")
            and (inner := _inner(value)) is not None
        ):
            return json.dumps(_changed(inner, rng, depth + 1))
    return _other(value, rng)


def _inner(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _other(value: Any, rng: random.Random) -> Any:
    match rng.randrange(7):
        case 0:
            return MARK
        case 1:
            return _deep(value, rng.choice((2, 33, 70, 900)))
        case 2 if isinstance(value, list):
            return value * rng.choice((2, 5))
        case 3 if isinstance(value, dict):
            return {**value, rng.choice(KEYS): rng.choice(NASTY)}
        case 4 if isinstance(value, str):
            return json.dumps([{rng.choice(KEYS): value, rng.choice(KEYS): rng.choice(NASTY)}])
        case 5:
            return {rng.choice(KEYS): value}
        case _:
            return rng.choice(NASTY)


def _deep(value: Any, levels: int) -> Any:
    for number in range(levels):
        value = [value] if number % 2 else {"content": value}
    return value
