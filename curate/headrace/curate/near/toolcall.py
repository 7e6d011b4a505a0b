"""The tool calls of an episode, each with how it went, and what the tools may be asked."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.curate import unit
from headrace.curate.conversation import decoded
from headrace.ingest.memo import Memo
from headrace.lake.message import Body, text_of

_FAILED = re.compile(r"^\W*(?:(?:[\w.]*(?:error|exception|failure))\b|traceback \(|failed\b)")
_EXIT = re.compile(r"\W*(?:process )?exit(?:ed with)?[ _]?(?:code|status)[ :=]*(-?[1-9]\d*)\b")
_RAISED = re.compile(r"^[\w.]*(?:error|exception)\b", re.IGNORECASE | re.MULTILINE)
_NAMED = re.compile(r"\b\w*(?:error|exception)\b")
_CODE = re.compile(r"[^a-z0-9_]+")
_BAD = frozenset({"error", "failed", "failure"})
_CODES = ("code", "error_code", "type", "name", "status", "status_code")


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call and its outcome."""

    name: str
    arguments: object  # parsed; as text where it is no JSON
    outcome: str  # ok, err:code, or none where no result is recorded


def tool_calls(messages: Sequence[Body]) -> list[ToolCall]:
    """The calls of all assistant turns in order."""
    return [_call(asked, answer) for asked, answer in answered(messages)]


def answered(messages: Sequence[Body]) -> Iterator[tuple[Body, str | None]]:
    """Each call in order with the text of its result; one without an id belongs to the next call
    that has none yet."""
    results: dict[str, str] = {}
    nameless: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            text = text_of(message.get("content"))
            if message.get("tool_call_id"):
                results.setdefault(message["tool_call_id"], text)
            else:
                nameless.append(text)
    waiting = iter(nameless)
    for call in _asked(messages):
        told = results.get(call.get("id") or "")
        yield call, next(waiting, None) if told is None else told


def enums(tools: Iterable[Body]) -> Mapping[str, frozenset[str]]:
    """The enum values (and constants) of each tool's parameters, normalised."""
    return _known_enums(list(tools))


def failure(text: str) -> str | None:
    """The code of an error that a tool answered; None where the answer is none."""
    try:
        told = decoded(text)
    except (ValueError, RecursionError):
        told = text
    if isinstance(told, dict):
        return _told(told)
    said = unit.norm(str(told)) if isinstance(told, str) else ""
    exited = _EXIT.match(said[:200])
    if not exited and not _FAILED.match(said[:200]):
        return None
    # The last line that names an exception is what a traceback came to.
    named = _RAISED.findall(text) or _NAMED.findall(said[:200])[:1]
    unnamed = f"exit_{exited[1]}" if exited else "error"
    return _code(named[-1].rpartition(".")[2] if named else unnamed)


def _told(answer: Mapping[str, Any]) -> str | None:
    """An error in an answer that is an object."""
    error = answer.get("error") or answer.get("errors")
    bad = (
        bool(error)
        or any(answer.get(key) is True for key in ("is_error", "isError"))
        or any(answer.get(key) is False for key in ("success", "ok"))
        or str(answer.get("status")).lower() in _BAD
    )
    if not bad:
        return None
    places = [place for place in (error, answer) if isinstance(place, dict)]
    codes = (place[key] for place in places for key in _CODES if place.get(key))
    return _code(str(next(codes, error if isinstance(error, str) else "error")))


def _code(told: str) -> str:
    """A short name: words of a message without what differs from call to call."""
    words = _CODE.sub(" ", unit.norm(told)).split()
    if len(words) == 1:
        return words[0]
    return "_".join(word for word in words[:6] if word.isalpha())[:40] or "error"


def _asked(messages: Iterable[Body]) -> Iterator[Body]:
    for message in messages:
        if message["role"] == "assistant":
            yield from message.get("tool_calls") or ()


def _call(asked: Body, answer: str | None) -> ToolCall:
    code = None if answer is None else failure(answer)
    outcome = "none" if answer is None else f"err:{code}" if code else "ok"
    told = asked["function"]
    return ToolCall(name=told["name"], arguments=_parsed(told["arguments"]), outcome=outcome)


def _parsed(arguments: str) -> object:
    try:
        return decoded(arguments)
    except (ValueError, RecursionError):
        return arguments


def _enumerated(schema: object) -> Iterator[str]:
    """The texts under `enum` and `const` in a JSON schema, at any depth."""
    stack = [schema]
    while stack:
        match stack.pop():
            case dict() as fields:
                listed = fields.get("enum")
                given = [*(listed if isinstance(listed, list) else []), fields.get("const")]
                yield from (value for value in given if isinstance(value, str))
                stack.extend(fields.values())
            case list() as items:
                stack.extend(items)


def _enums(tools: Iterable[Body]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for tool in tools:
        told = tool.get("function") or tool
        values = frozenset(map(unit.norm, _enumerated(told.get("parameters"))))
        found[str(told.get("name"))] = values
    return MappingProxyType(found)


_known_enums = Memo(_enums)  # every episode of an agent has the same tools
