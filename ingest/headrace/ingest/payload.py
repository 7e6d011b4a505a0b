"""The body of a request: read and unpacked within limits."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import zstandard
from starlette.requests import Request

from headrace.ingest.errors import Busy, TooLarge, Undecodable, UnknownType

READ_S = 30.0  # for a body to arrive
STEP = 1024 * 1024
PIECE = 512  # bytes in; 4 can stand for a zstd block of 128 KiB, so at most 16 MiB come out
MEMBERS = 10_000
ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a receiver of Content-Encoding: zstd must support

ENCODINGS = ("identity", "gzip", "deflate", "zstd")


class Ration:
    """Bytes of bodies in memory at a time; used from the event loop only."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Gives a function that takes bytes; all are given back at the end. Raises Busy."""
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self._taken + size > self.limit:
                raise Busy("too many bytes in flight: send again in a moment")
            self._taken += size
            mine += size

        try:
            yield take
        finally:
            self._taken -= mine


async def received(
    request: Request, limit: int, take: Callable[[int], None], read_s: float = READ_S
) -> bytes:
    """The body as it came over the wire.

    Raises TooLarge above `limit` bytes, Busy, TimeoutError after `read_s` seconds.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > 2 * limit:
        raise _too_large(limit)
    async with asyncio.timeout(read_s):
        return await _collected(request.stream(), limit, take)


async def _collected(
    stream: AsyncIterator[bytes], limit: int, take: Callable[[int], None]
) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size <= limit:
            take(len(chunk))
            chunks.append(chunk)
        elif size > 2 * limit:
            break
        # else it is read and thrown away: a client still sending would not see the answer
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def known(encoding: str) -> None:
    """Raises UnknownType for what is not one of `ENCODINGS`, two in a row included."""
    if encoding not in ENCODINGS:
        raise UnknownType(
            f"Content-Encoding {encoding[:100]!r} is not read here: use one of "
            f"{', '.join(ENCODINGS)}"
        )


def inflate(data: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding of `ENCODINGS`, never holding more than `limit` bytes of output.

    Raises TooLarge, UnknownType, Undecodable where the stream is damaged or ends early.
    """
    known(encoding)
    if encoding == "identity":
        return data
    steps = _zstd(data) if encoding == "zstd" else _zlib(data, gzip=encoding == "gzip")
    parts: list[bytes] = []
    size = 0
    try:
        for part in steps:
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except (zlib.error, zstandard.ZstdError) as error:
        raise Undecodable(f"the body is no sound {encoding} stream: {error}") from error
    return b"".join(parts)


def _zlib(data: bytes, *, gzip: bool) -> Iterator[bytes]:
    fresh = partial(zlib.decompressobj, wbits=31 if gzip else 15)
    stream, members = fresh(), 1
    for piece in _pieces(data):
        while piece:
            if stream.eof:
                if not gzip or not piece.strip(b"\0"):  # RFC 1952 allows more members; zeros pad
                    break
                stream, members = fresh(), _one_more(members)
            yield stream.decompress(piece, STEP)
            piece = stream.unused_data if stream.eof else stream.unconsumed_tail
    if not stream.eof:
        raise zlib.error("it ends early")


def _zstd(data: bytes) -> Iterator[bytes]:
    fresh = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj
    stream, members = fresh(), 1
    for piece in _pieces(data):
        while piece:
            if stream.eof:  # RFC 8878: frames may follow one another
                stream, members = fresh(), _one_more(members)
            yield stream.decompress(piece)
            piece = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise zstandard.ZstdError("it ends early")


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


def _one_more(members: int) -> int:
    if members >= MEMBERS:  # a million empty ones would cost minutes
        raise Undecodable(f"the body has more than {MEMBERS:,} compressed parts: send one")
    return members + 1


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"a body may have {limit:,} bytes, before and after decompression: send smaller batches, "
        "or raise HEADRACE_BODY_BYTES"
    )
