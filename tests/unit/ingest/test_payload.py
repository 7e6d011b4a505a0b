import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from headrace.ingest.errors import Busy, TooLarge, Undecodable, UnknownType
from headrace.ingest.payload import ENCODINGS, MEMBERS, Ration, inflate, received
from headrace.lake.errors import HeadraceError

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


@pytest.mark.parametrize("encoding", PACK)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_gives_the_same_bytes_or_is_undecodable(
    encoding: str, data: bytes, at: int, bit: int
) -> None:
    """Checksums see to it: a header's comment may change, the content may not."""
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    packed = bytearray(pack(data) if encoding == "zstd" else PACK[encoding](data))
    packed[at % len(packed)] ^= 1 << bit
    try:
        read_back = inflate(bytes(packed), encoding, LIMIT)
    except Undecodable as error:
        assert encoding in str(error)
    else:
        assert read_back == data


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_unpacked_or_refused_in_our_words(encoding: str, data: bytes) -> None:
    try:
        assert inflate(data, encoding, LIMIT) == data or encoding != "identity"
    except HeadraceError as error:
        assert isinstance(error, Undecodable | TooLarge)


def test_deflate_is_the_zlib_format_and_not_the_bare_stream() -> None:
    stream = zlib.compressobj(wbits=-15)
    bare = stream.compress(b"abc" * 100) + stream.flush()
    with pytest.raises(Undecodable, match="deflate"):
        inflate(bare, "deflate", LIMIT)


@pytest.mark.parametrize(("log", "taken"), [(23, True), (24, False), (27, False)])
def test_a_zstd_window_is_at_most_eight_mebibytes(log: int, taken: bool) -> None:
    """A larger one makes the reader hold as much, whatever comes out."""
    how = zstandard.ZstdCompressionParameters(window_log=log, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=how).compressobj()
    packed = stream.compress(b"abc") + stream.flush()
    if taken:
        assert inflate(packed, "zstd", LIMIT) == b"abc"
        return
    with pytest.raises(Undecodable, match="zstd"):
        inflate(packed, "zstd", LIMIT)


def test_a_layer_below_the_first_is_not_unpacked() -> None:
    twice = gzip.compress(gzip.compress(b"abc"))
    assert gzip.decompress(inflate(twice, "gzip", LIMIT)) == b"abc"


def request_of(chunks: list[bytes], headers: dict[str, str] | None = None) -> Request:
    left = iter(chunks)

    async def receive() -> dict[str, object]:
        chunk = next(left, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


def read(
    chunks: list[bytes], *, limit: int, ration: int = 10_000, headers: dict[str, str] | None = None
) -> bytes:
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


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_body_up_to_the_limit_is_read_in_any_pieces(size: int) -> None:
    for piece in (1, 7, 100):
        chunks = [b"x" * min(piece, size - start) for start in range(0, size, piece)]
        assert read(chunks, limit=100) == b"x" * size


def left_over(count: int) -> int:
    """How many of so many chunks of 50 bytes are not even read, where 100 bytes are the limit."""
    chunks = iter([b"x" * 50] * count)

    async def run() -> None:
        async def receive() -> dict[str, object]:
            chunk = next(chunks, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        with Ration(100).share() as take:  # what is thrown away takes no memory
            await received(request, 100, take)

    with pytest.raises(TooLarge, match="100 bytes"):
        asyncio.run(run())
    return sum(1 for _ in chunks)


@pytest.mark.parametrize(("count", "left"), [(3, 0), (4, 0), (5, 0), (6, 1), (1000, 995)])
def test_of_a_body_over_the_limit_no_more_than_twice_the_limit_is_read(
    count: int, left: int
) -> None:
    """A client that is still sending would not see the answer; one that never ends is cut off."""
    assert left_over(count) == left


@pytest.mark.parametrize("announced", ["", "abc", "-1", "1e9", "0x10", "200", " 3", "²"])
def test_an_announced_size_is_only_ever_a_hint(announced: str) -> None:
    assert read([b"abc"], limit=100, headers={"content-length": announced}) == b"abc"


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def run() -> None:
        async def receive() -> dict[str, object]:
            await asyncio.Event().wait()
            return {}

        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        with Ration(100).share() as take:
            await received(request, 100, take, 0.0)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(st.lists(st.integers(0, 60), max_size=4), max_size=8))
def test_whatever_bodies_take_is_within_the_ration_and_comes_back(bodies: list[list[int]]) -> None:
    ration, taken = Ration(100), 0
    with ExitStack() as flying:
        for sizes in bodies:
            take = flying.enter_context(ration.share())
            for size in sizes:
                if taken + size > 100:
                    with pytest.raises(Busy, match="again"):
                        take(size)
                else:
                    take(size)
                    taken += size
    with ration.share() as take:
        take(100)


def test_what_an_error_interrupts_is_given_back() -> None:
    ration = Ration(100)
    for _ in range(3):
        with pytest.raises(KeyError), ration.share() as take:
            take(100)
            raise KeyError("the client went")
