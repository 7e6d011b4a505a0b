"""Messages taken apart: JSON inside texts is opened, changed, and written again only if changed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.curate.scrub import field
from headrace.curate.scrub.kind import Kind
from headrace.ingest.jsontext import parse
from headrace.lake.message import Body

DEPTH = 64  # of lists and objects, those inside texts included; below that texts are texts

_FIXED = ("role", "tool_call_id")  # of a message: what holds it together


class Embedded(msgspec.Struct, frozen=True):
    """A text that is JSON."""

    text: str
    value: object  # opened


class Field(msgspec.Struct, frozen=True):
    """A value with what its key tells."""

    key: str
    kind: Kind | None
    value: object


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
    if not depth or text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    value = parse(text)
    return (
        Embedded(text, opened(value, depth - 1)) if isinstance(value, dict | list | str) else text
    )


def fields(given: Mapping[str, object], parent: str) -> Iterator[Field]:
    """The fields of an object that stands under the key `parent`, each with its kind."""
    somebody = field.of_person(parent, given)
    something = not somebody and field.of_thing(given)
    for key, value in given.items():
        inside = value.value if isinstance(value, Embedded) else value
        kind = field.kind_of(key, inside, of_person=somebody)
        sure = kind is not None and (not something or field.sure(key) is not None)
        yield Field(key, kind if sure else None, value)


def typed(value: object, kind: Kind | None = None, key: str = "") -> Iterator[tuple[Kind, str]]:
    """Every text and whole number below a key that tells its kind."""
    if isinstance(value, Embedded):
        yield from typed(value.value, kind, key)
    elif isinstance(value, dict):
        for own in fields(value, key):
            yield from typed(own.value, own.kind, own.key)
    elif isinstance(value, list):
        for item in value:
            yield from typed(item, kind, key)
    elif kind is not None and isinstance(value, str | int) and not isinstance(value, bool):
        yield kind, str(value)


def texts(value: object) -> Iterator[str]:
    """Every text that is no JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Embedded):
        yield from texts(value.value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
