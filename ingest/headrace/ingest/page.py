"""A page of the spool: the bodies of one commit, packed together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import zstandard

from headrace.ingest.batch import Body, Signal

LEVEL = 3  # bodies of one agent share much: packed together they take a third less than apart
DAMAGED = "application/zstd"  # content type of a body that its page no longer gives

_packer = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)  # of the writer's thread


class Head(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is known of a body beside its bytes."""

    signal: Signal
    content_type: str
    project: str | None
    received_at: datetime
    size: int  # bytes of the payload


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A body before it has a number."""

    head: Head
    payload: bytes


_heads = msgspec.msgpack.Decoder(list[Head])


def packed(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """The row of bodies, which get their numbers where it is written."""
    payload = b"".join([sheet.payload for sheet in sheets])
    return {
        "bodies": len(sheets),
        "oldest": sheets[0].head.received_at.isoformat(),
        "heads": msgspec.msgpack.encode([sheet.head for sheet in sheets]),
        "size": len(payload),
        "payload": _packer.compress(payload),
    }


def unpacked(last: int, heads: bytes, size: int, payload: bytes) -> list[Body]:
    """The bodies of a row; where it is damaged, each with a content type that nobody reads.

    What lies on the disk then is the payload of the first, for a dead letter to keep.
    """
    told = _heads.decode(heads)
    first = last - len(told) + 1
    try:
        whole = zstandard.ZstdDecompressor().decompress(payload, max_output_size=size)
    except zstandard.ZstdError:
        return [_lost(head, first + i, payload if i == 0 else b"") for i, head in enumerate(told)]
    bodies, at = [], 0
    for seq, head in enumerate(told, start=first):
        bodies.append(_body(head, seq, head.content_type, whole[at : at + head.size]))
        at += head.size
    return bodies


def _lost(head: Head, seq: int, payload: bytes) -> Body:
    return _body(head, seq, DAMAGED, payload)


def _body(head: Head, seq: int, content_type: str, payload: bytes) -> Body:
    return Body(
        seq=seq,
        signal=head.signal,
        content_type=content_type,
        project=head.project,
        received_at=head.received_at,
        payload=payload,
    )
