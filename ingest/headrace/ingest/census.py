"""The census of an OTLP request in protobuf: counted on the wire before any object is built."""

from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.ingest.errors import Undecodable
from headrace.ingest.telemetry import Limits

Fields = Mapping[int, Any]  # tag of a message field -> the fields of that message

_FIXED = {1: 8, 5: 4}  # bytes of a wire type
_DEEPEST = 512  # the parser gives up far above that
_LEAST = 2  # bytes of an empty message
_TAG = {n: n << 3 | 2 for n in range(1, 16)}  # field number -> tag of a nested message

# Only what nests is listed: numbers and texts cost no more in memory than on the wire.
_VALUE: dict[int, Any] = {}
_PAIR: Fields = {_TAG[2]: _VALUE}
_VALUE |= {_TAG[5]: {_TAG[1]: _VALUE}, _TAG[6]: {_TAG[1]: _PAIR}}
_RESOURCE: Fields = {_TAG[1]: _PAIR, _TAG[3]: {}}
_SCOPE: Fields = {_TAG[3]: _PAIR}
_EVENT: Fields = {_TAG[3]: _PAIR}
_LINK: Fields = {_TAG[4]: _PAIR}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What nests in a request of one signal."""

    item: Fields  # of a span or a log record

    @property
    def full(self) -> Fields:
        return {_TAG[1]: {_TAG[1]: _RESOURCE, _TAG[2]: {_TAG[1]: _SCOPE, _TAG[2]: self.item}}}


TRACES = Shape(item={_TAG[9]: _PAIR, _TAG[11]: _EVENT, _TAG[13]: _LINK, _TAG[15]: {}})
LOGS = Shape(item={_TAG[5]: _VALUE, _TAG[6]: _PAIR})
_BARE: Fields = {}  # a span or a record of which nothing inside is counted
_ITEMS_ONLY: Fields = {_TAG[1]: {_TAG[2]: {_TAG[2]: _BARE}}}


def check(wire: bytes, shape: Shape, limits: Limits) -> None:
    """Raises Undecodable where a request has more spans, records or objects than it may.

    What is broken is left to the parser, which looks at every byte anyway.
    """
    if len(wire) <= _LEAST * min(limits.spans, limits.objects):  # too short to hold so many
        return
    try:
        if len(wire) <= _LEAST * limits.objects:
            _count(wire, _ITEMS_ONLY, _BARE, limits)
        else:
            _count(wire, shape.full, shape.item, limits)
    except IndexError:  # cut off; the parser says the same with its own words
        return


def _count(wire: bytes, fields: Fields, item: Fields, limits: Limits) -> None:
    items = objects = at = 0
    end = len(wire)
    outer: list[tuple[int, int, Fields]] = []  # where to go on, innermost last
    while at < end or outer:
        if at >= end:
            at, end, fields = outer.pop()
            continue
        tag, at = _varint(wire, at)
        if tag & 7 != 2:
            at = _skipped(wire, at, tag & 7)
            continue
        size, at = _varint(wire, at)
        inner = fields.get(tag)
        if inner is None:
            at += size
            continue
        objects += 1
        items += inner is item
        _bounded(items, objects, len(outer), limits)
        if not inner:  # nothing below it counts
            at += size
            continue
        outer.append((at + size, end, fields))
        end, fields = min(at + size, end), inner


def _bounded(items: int, objects: int, depth: int, limits: Limits) -> None:
    if items > limits.spans:
        raise Undecodable(f"more than {limits.spans} items in one request: export smaller batches")
    if objects > limits.objects:
        raise Undecodable(f"more than {limits.objects} objects in one request: send fewer spans")
    if depth > _DEEPEST:
        raise Undecodable("values nested too deeply")


def _skipped(wire: bytes, at: int, kind: int) -> int:
    if kind == 0:
        return _varint(wire, at)[1]
    if kind in _FIXED:
        return at + _FIXED[kind]
    # the parser would skip a group, and what it hides from this count would follow
    raise Undecodable("no OTLP in protobuf encoding: it holds a group, which the protocol has not")


def _varint(wire: bytes, at: int) -> tuple[int, int]:
    value = wire[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7F
    for shift in range(7, 70, 7):
        byte = wire[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, at
