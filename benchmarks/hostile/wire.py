"""Protobuf as a tree of fields, without a schema, so that every field can be damaged alone."""

import random

import msgspec

DEEPEST = 12
SIZES = (0, 1, 0x7F, 0x80, 0x7FFF_FFFF, 0xFFFF_FFFF, 2**63 - 1, 2**63, 2**64 - 1, 2**70)
TEXTS = (b"", b"\xff\xfe", b"\xed\xa0\x80", b"\0", b"x" * 5_000, "\U0001f600".encode(), b"[" * 300)


class Field(msgspec.Struct, kw_only=True):
    """One field: a number of four kinds, or bytes that may be a message themselves."""

    number: int
    kind: int  # the wire type
    value: "int | bytes | list[Field]"


def parsed(wire: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a message; None where the bytes are none."""
    fields: list[Field] = []
    at = 0
    try:
        while at < len(wire):
            field, at = _field(wire, at, depth)
            fields.append(field)
    except (IndexError, ValueError):
        return None
    return fields


def _field(wire: bytes, at: int, depth: int) -> tuple[Field, int]:
    tag, at = _varint(wire, at)
    number, kind = tag >> 3, tag & 7
    if kind == 0:
        value, at = _varint(wire, at)
        return Field(number=number, kind=kind, value=value), at
    size = {1: 8, 5: 4}.get(kind)
    if kind == 2:
        size, at = _varint(wire, at)
    if size is None or at + size > len(wire) or not number:
        raise ValueError("no message")
    text = wire[at : at + size]
    inner = parsed(text, depth + 1) if kind == 2 and text and depth < DEEPEST else None
    return Field(number=number, kind=kind, value=inner or text), at + size


def packed(fields: list[Field]) -> bytes:
    """The wire of a tree."""
    return b"".join(_packed(field) for field in fields)


def _packed(field: Field) -> bytes:
    tag = _number(field.number << 3 | field.kind)
    if isinstance(field.value, int):
        return tag + _number(field.value)
    text = field.value if isinstance(field.value, bytes) else packed(field.value)
    return tag + (_number(len(text)) + text if field.kind == 2 else text)


def damaged(wire: bytes, rng: random.Random) -> bytes:
    """The message with one field changed, wherever it lies."""
    tree = parsed(wire)
    if not tree:
        return wire
    level = tree
    while isinstance(inner := rng.choice(level).value, list) and rng.random() < 0.85:
        level = inner
    _damage(level, rng.randrange(len(level)), rng)
    return packed(tree)


def _damage(level: list[Field], at: int, rng: random.Random) -> None:
    field = level[at]
    match rng.randrange(8):
        case 0:
            del level[at]
        case 1:
            level[at:at] = [field] * (500 if len(_packed(field)) < 20 else rng.choice((1, 2, 5)))
        case 2:
            rng.shuffle(level)
        case 3:
            field.number = rng.choice((1, 2, 3, 7, 9, 15, 99, 2**20))
        case 4:
            field.kind = rng.randrange(8)
        case 5:
            field.value = rng.choice(SIZES) if field.kind == 0 else rng.choice(TEXTS)
        case 6:
            field.value = _nested(field, rng.choice((3, 30, 40, 120)))
        case _:
            level[at] = Field(number=field.number, kind=2, value=rng.choice(TEXTS))


def _nested(field: Field, levels: int) -> bytes:
    """The field within itself, again and again."""
    text = _packed(field)[:200]
    for _ in range(levels):
        text = _number(field.number << 3 | 2) + _number(len(text)) + text
    return text


def _varint(wire: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = wire[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("no number")


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
