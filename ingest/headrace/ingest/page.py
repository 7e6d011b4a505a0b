"""A page of the spool: the bodies of one commit, packed together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import zstandard

from headrace.ingest.batch import Body, Signal

LEVEL = 3  # bodies of one agent share much: packed together they take a third less than apart
DAMAGED = "application/zstd"  # content type of a body that its page no longer gives
UNDIVIDED = "application/octet-stream"  # the same, of a page that no longer tells its bodies apart

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


def unpacked(
    last: int, bodies: int, oldest: str, heads: bytes, size: int, payload: bytes
) -> list[Body]:
    """The bodies of a row; where it is damaged, each with a content type that nobody reads.

    What is left on the disk then is the payload of the first, for a dead letter to keep.
    """
    told, whole = _told(heads, bodies), _whole(payload, size)
    first = last - bodies + 1
    if told is None or whole is None or sum(head.size for head in told) != size:
        told = told or [_unknown(datetime.fromisoformat(oldest))] * bodies
        kept, kind = (payload, DAMAGED) if whole is None else (whole, UNDIVIDED)
        return [_body(head, first + i, kind, b"" if i else kept) for i, head in enumerate(told)]
    found, at = [], 0
    for seq, head in enumerate(told, start=first):
        found.append(_body(head, seq, head.content_type, whole[at : at + head.size]))
        at += head.size
    return found


def _told(heads: bytes, bodies: int) -> list[Head] | None:
    """As many heads as there are bodies; None where they cannot be read."""
    try:
        told = _heads.decode(heads)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return told if len(told) == bodies else None


def _whole(payload: bytes, size: int) -> bytes | None:
    """All payloads; None where they cannot be unpacked."""
    try:
        if zstandard.frame_content_size(payload) != size:  # it would take so much memory first
            return None
        return zstandard.ZstdDecompressor().decompress(payload)
    except zstandard.ZstdError:
        return None


def _unknown(at: datetime) -> Head:
    return Head(signal="traces", content_type=DAMAGED, project=None, received_at=at, size=0)


def _body(head: Head, seq: int, content_type: str, payload: bytes) -> Body:
    return Body(
        seq=seq,
        signal=head.signal,
        content_type=content_type,
        project=head.project,
        received_at=head.received_at,
        payload=payload,
    )
