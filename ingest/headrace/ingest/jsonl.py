"""JSONL files, plain, gzip or zstd, read line by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import zstandard

from headrace.ingest.errors import Undecodable, UnreadableFile
from headrace.ingest.jsontext import whole

LINE_BYTES = 64 * 1024 * 1024
_WINDOW = 2**27  # zstd --long files need it
_PACKED = 16 * 1024  # bytes unpacked at a time

Line = tuple[int, bytes]


def lines(path: Path) -> Iterator[Line]:
    """Numbered lines that hold something.

    Raises UnreadableFile where the file is missing, broken off, or has a line over 64 MiB.
    """
    number = 0
    try:
        with opened(path) as stream:
            for number, line in enumerate(_bounded(stream, path), start=1):
                if line.strip():
                    yield number, line
    except (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile) as error:
        raise UnreadableFile(f"{path} breaks off after line {number}: {error}") from error
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def record(line: bytes) -> dict[str, object]:
    """The object of a line. Raises Undecodable."""
    try:
        value: object = msgspec.json.decode(whole(line))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Undecodable(f"no JSON: {error}; every line must hold one whole object") from error
    if not isinstance(value, dict):
        raise Undecodable(f"{type(value).__name__} instead of an object: write one object a line")
    return value


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked by its ending; EOFError where packed data break off."""
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix in (".zst", ".zstd"):
        return io.BufferedReader(_Zstd(path))
    return path.open("rb")


class _Zstd(io.RawIOBase):
    """A zstd file that notices when it was cut off, which the library's own reader does not."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame = self._new()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = self._file.read(_PACKED)
            if not packed and not self._frame.eof:
                raise EOFError("the compressed data end too early")
            if not packed:
                return 0
            self._ready = self._unpacked(packed)
        given, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _unpacked(self, packed: bytes) -> bytes:
        parts: list[bytes] = []
        while packed:
            if self._frame.eof:
                self._frame = self._new()  # files may hold several frames
            parts.append(self._frame.decompress(packed))
            packed = self._frame.unused_data
        return b"".join(parts)

    def _new(self) -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()


def _bounded(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    while line := stream.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES:
            raise UnreadableFile(f"{path} has a line over 64 MiB: write one object a line")
        yield line
