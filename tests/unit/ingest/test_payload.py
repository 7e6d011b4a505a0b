import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from headrace.ingest.errors import Busy, TooLarge, Undecodable, UnknownType
from headrace.ingest.payload import MEMBERS, Ration, inflate, received

LIMIT = 1024 * 1024


def streamed_zstd(data: bytes) -> bytes:
    """A frame that does not tell its size, as streaming encoders write it."""
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return stream.compress(data) + stream.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": streamed_zstd,
}


@pytest.mark.parametrize("encoding", PACK)
@given(data=st.binary(max_size=5000))
def test_what_was_packed_is_unpacked(encoding: str, data: bytes) -> None:
    assert inflate(PACK[encoding](data), encoding, LIMIT) == data


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(parts=st.lists(st.binary(max_size=600), min_size=1, max_size=5))
def test_members_that_follow_one_another_are_one_body(encoding: str, parts: list[bytes]) -> None:
    packed = b"".join(PACK[encoding](part) for part in parts)
    assert inflate(packed, encoding, LIMIT) == b"".join(parts)


@pytest.mark.parametrize("encoding", PACK)
@given(data=st.binary(min_size=1, max_size=2000), cut=st.floats(0, 1, exclude_max=True))
def test_a_stream_that_ends_early_is_undecodable(encoding: str, data: bytes, cut: float) -> None:
    packed = PACK[encoding](data)
    with pytest.raises(Undecodable):
        inflate(packed[: int(len(packed) * cut)], encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACK)
def test_a_bomb_is_too_large_before_it_is_unpacked(encoding: str) -> None:
    bomb = PACK[encoding](bytes(64 * LIMIT))
    assert len(bomb) < LIMIT
    with pytest.raises(TooLarge, match="HEADRACE_BODY_BYTES"):
        inflate(bomb, encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACK)
def test_a_body_of_the_very_limit_passes(encoding: str) -> None:
    packed = PACK[encoding](b"x" * LIMIT)
    assert len(inflate(packed, encoding, LIMIT)) == LIMIT
    with pytest.raises(TooLarge):
        inflate(packed, encoding, LIMIT - 1)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_countless_empty_members_is_refused(encoding: str) -> None:
    with pytest.raises(Undecodable, match="10,000"):
        inflate(PACK[encoding](b"") * (MEMBERS + 1), encoding, LIMIT)


def test_zeros_after_a_gzip_member_are_padding_and_text_is_not() -> None:
    packed = gzip.compress(b"abc")
    assert inflate(packed + bytes(700), "gzip", LIMIT) == b"abc"
    with pytest.raises(Undecodable):
        inflate(packed + b"junk", "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "snappy"])
def test_an_unknown_encoding_names_those_there_are(encoding: str) -> None:
    with pytest.raises(UnknownType, match="identity, gzip, deflate, zstd"):
        inflate(b"", encoding, LIMIT)


def request_of(chunks: list[bytes], headers: dict[str, str] | None = None) -> Request:
    left = iter(chunks)

    async def receive() -> dict[str, object]:
        chunk = next(left, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


def read(chunks: list[bytes], *, limit: int, ration: int, headers: dict[str, str]) -> bytes:
    async def run() -> bytes:
        with Ration(ration).share() as take:
            return await received(request_of(chunks, headers), limit, take)

    return asyncio.run(run())


def test_chunks_are_put_together() -> None:
    assert read([b"ab", b"", b"cd"], limit=4, ration=100, headers={}) == b"abcd"


def test_a_stream_over_the_limit_is_too_large_whatever_it_announced() -> None:
    with pytest.raises(TooLarge):
        read([b"x" * 40] * 3, limit=100, ration=1000, headers={"content-length": "5"})


def test_an_announced_size_far_over_the_limit_is_refused_unread() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    request = request_of([], {"content-length": "201"})
    request.stream = never  # type: ignore[assignment]
    with Ration(1000).share() as take, pytest.raises(TooLarge):
        asyncio.run(received(request, 100, take))


def test_bytes_in_flight_have_a_limit_and_are_given_back() -> None:
    ration = Ration(100)
    with ration.share() as one:
        one(80)
        with ration.share() as other, pytest.raises(Busy):
            other(30)
    with ration.share() as again:
        again(100)
