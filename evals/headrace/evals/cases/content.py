"""What a case asks, as a hash: a case that was edited under its old name is another case."""

import json
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import msgspec

from headrace.lake.message import digest

_CHARACTERS = 5_000  # of a text; Inspect's summaries hold a few more, by version and kind of text


def content_hash(value: object) -> str | None:
    """32 hex digits for any JSON value, whatever the order of its keys; None for no content."""
    if value is None or value == "":
        return None
    try:
        return digest(msgspec.json.encode(value, order="sorted").decode())
    except (UnicodeEncodeError, OverflowError):  # half a character, a number of many digits
        return digest(json.dumps(value, sort_keys=True))


def question_hash(
    asked: str | list[Any], target: str | Sequence[str], choices: Sequence[str] | None
) -> str | None:
    """The same for a sample of Inspect: its question, its choices in any order, its target.

    Ids and metadata of messages, which are made anew in every run, do not count; of a text the
    first 5,000 characters do.
    """
    question = asked[:_CHARACTERS] if isinstance(asked, str) else [_turn(turn) for turn in asked]
    targets = [target] if isinstance(target, str) else list(target)
    if choices:
        targets = sorted(_named(text, choices) for text in targets)
    wanted = [text[:_CHARACTERS] for text in targets]
    return content_hash([question, wanted, sorted(choices or ())])


def _turn(message: Mapping[str, Any]) -> list[Any]:
    content = message.get("content")
    parts = [content] if isinstance(content, str) else list(_parts(content or ()))
    calls = [[call.get("function"), call.get("arguments")] for call in _calls(message)]
    return [message.get("role"), [part[:_CHARACTERS] for part in parts], calls]


def _parts(content: Iterable[Any]) -> Iterable[str]:
    for part in content:
        yield str(part.get("text") or part.get("type")) if isinstance(part, Mapping) else str(part)


def _calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(message.get("tool_calls") or ())


def _named(target: str, choices: Sequence[str]) -> str:
    """The choice that a letter stands for: its place may be drawn anew in every run."""
    place = ascii_uppercase.find(target) if len(target) == 1 else -1
    return choices[place] if 0 <= place < len(choices) else target
