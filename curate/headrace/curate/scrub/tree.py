"""Messages taken apart: JSON inside texts is opened, changed, and written again only if changed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import msgspec

from headrace.curate.scrub import field, profile
from headrace.curate.scrub.field import Rule
from headrace.curate.scrub.kind import Kind
from headrace.ingest.jsontext import parse
from headrace.lake.message import Body

DEPTH = 64  # of lists and objects, those inside texts included; below that texts are texts

_OPENING = re.compile(r'\s*[{\["]')
LEAST_NUMBER = 1_000_000  # fewer digits tell nobody

_FIXED = ("role", "tool_call_id")  # of a message: what holds it together


class Embedded(msgspec.Struct, frozen=True):
    """A text that is JSON."""

    text: str
    value: object  # opened


class Leaves(msgspec.Struct, frozen=True):
    """What a value holds in the end, in its order."""

    typed: list[tuple[Kind, str]]  # texts and whole numbers below a key that tells their kind
    texts: list[str]  # all that are no JSON, those among `typed` too
    loose: list[str]  # those of `texts` that are not among `typed`
    keys: list[str]  # that name no field
    numbers: list[str]  # whole ones of no kind that may tell somebody
    lines: list[str]  # those of `texts` that hold fields themselves

    def text(self, given: str, kind: Kind | None) -> None:
        self.texts.append(given)
        if kind is None:
            self.loose.append(given)
        else:
            self.typed.append((kind, given))


class Part(msgspec.Struct, frozen=True):
    """A free part of a message, taken apart."""

    given: object
    bare: object  # without secrets
    value: object  # opened
    leaves: Leaves

    @classmethod
    def of(cls, given: object, bare: object) -> Self:
        value = opened(bare)
        return cls(given, bare, value, leaves(value))


def mapped(body: Mapping[str, Any], change: Callable[[object], object]) -> Body:
    """A message with each of its free parts changed: texts, and the arguments of calls."""
    out = {k: v if k in _FIXED or k == "tool_calls" else change(v) for k, v in body.items()}
    if body.get("tool_calls"):
        out["tool_calls"] = [_called(call, change) for call in body["tool_calls"]]
    return out


def _called(call: Mapping[str, Any], change: Callable[[object], object]) -> Body:
    function = call.get("function") or {}
    if "arguments" not in function:
        return dict(call)
    return {**call, "function": {**function, "arguments": change(function["arguments"])}}


def opened(value: object, depth: int = DEPTH) -> object:
    """A value with its JSON texts parsed."""
    if isinstance(value, str):
        return _opened(value, depth)
    if isinstance(value, dict) and depth:
        return {key: opened(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth:
        return [opened(item, depth - 1) for item in value]
    return value


def _opened(text: str, depth: int) -> object:
    if not depth or not _OPENING.match(text):
        return text
    value = parse(text)
    return (
        Embedded(text, opened(value, depth - 1)) if isinstance(value, dict | list | str) else text
    )


def kind_of(rule: Rule, value: object) -> Kind | None:
    """The kind of the value of a field, by the rule for its key."""
    if rule.looks is None:
        return rule.kind
    inside = value.value if isinstance(value, Embedded) else value
    return rule.kind if field.shown(inside, rule.looks) else None


def leaves(value: object) -> Leaves:
    found = Leaves([], [], [], [], [], [])
    _gather(value, None, "", found)
    found.lines.extend(text for text in found.texts if profile.regions(text))
    return found


def _gather(value: object, kind: Kind | None, key: str, found: Leaves) -> None:
    if isinstance(value, str):
        found.text(value, kind)
    elif isinstance(value, dict):
        for rule, (name, item) in zip(field.rules(key, value), value.items(), strict=True):
            if not rule.plain:
                found.keys.append(name)
            _gather(item, kind_of(rule, item), name, found)
    elif isinstance(value, list):
        for item in value:
            _gather(item, kind, key, found)
    elif isinstance(value, Embedded):
        _gather(value.value, kind, key, found)
    elif isinstance(value, int) and not isinstance(value, bool):
        if kind is not None:
            found.typed.append((kind, str(value)))
        elif value >= LEAST_NUMBER:
            found.numbers.append(str(value))


def texts(value: object) -> Iterator[str]:
    """Every text that is no JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Embedded):
        yield from texts(value.value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
