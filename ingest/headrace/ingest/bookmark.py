"""The bookmark: which body the drain works on, so that one that kills it is known afterwards."""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_SHAPE = struct.Struct("<qq")  # sequence number, deaths in a row plus one
_NOTHING = (0, 0)


class Bookmark:
    """A file of 16 bytes; it need not survive a power cut, only the death of a process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        found = os.pread(self._file, _SHAPE.size, 0)
        self._left = _SHAPE.unpack(found) if len(found) == _SHAPE.size else _NOTHING

    @property
    def deaths(self) -> int:
        """How often in a row a process ended at the place where the last one did."""
        return int(self._left[1])

    def begin(self, seq: int) -> int:
        """Note that work on a body begins; how often that ended a process before."""
        deaths: int = self._left[1] if self._left[0] == seq else 0
        os.pwrite(self._file, _SHAPE.pack(seq, deaths + 1), 0)
        return deaths

    def clear(self) -> None:
        """Note that nothing is being worked on."""
        os.pwrite(self._file, _SHAPE.pack(*_NOTHING), 0)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
