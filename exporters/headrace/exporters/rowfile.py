"""Rows on disk while a data set is made: added as they come, read by the order of their names."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from os import pread
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

import msgspec

from headrace.exporters.row import Row
from headrace.lake.message import chars
from headrace.lake.record import Split

SPLITS: tuple[Split, ...] = ("train", "test")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its name, what it holds, where it stands."""

    row_id: str
    hash: str
    split: Split
    episode_ids: tuple[str, ...]


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row lies in the file, and what is asked of rows without reading them."""

    entry: Entry
    start: int
    size: int
    tokens: int
    label: bool | None
    masked: bool
    tools: bool
    margin: bool


class RowFile:
    """Rows of one objective in a file that vanishes with it; about 500 bytes a row in memory.

    Rows that are equal but for their episodes are one: the first by the names of these stays.
    A `bare` one counts rows and keeps none: it cannot be read.
    """

    def __init__(self, folder: Path | None = None, *, bare: bool = False) -> None:
        self._file = TemporaryFile(dir=folder)
        self._bare = bare
        self._places: dict[str, _Place] = {}
        self._end = 0

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):  # a full disk was told before
            self._file.close()

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        made = cls()
        for row in rows:
            made.add(row)
        return made

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Row]:
        self._file.flush()
        for place in self._sorted():
            yield self._read(place)

    @property
    def size(self) -> int:
        """Bytes on the disk, of rows that had to give way too."""
        return self._end

    def add(self, row: Row) -> Entry | None:
        """The row that had to give way, if one had: this one or an equal one that was there."""
        entry = Entry(
            row_id=row.row_id,
            hash="" if self._bare else row.hash,
            split=row.split,
            episode_ids=row.episode_ids,
        )
        there = self._places.get(row.row_id)
        if there is not None and there.entry.episode_ids <= row.episode_ids:
            return entry
        text = b"" if self._bare else _ENCODER.encode(row)
        self._file.write(text)
        self._places[row.row_id] = _Place(
            entry=entry,
            start=self._end,
            size=len(text),
            tokens=_tokens(row),
            label=row.label,
            masked=row.is_masked,
            tools=row.tools is not None,
            margin=row.margin is not None,
        )
        self._end += len(text)
        return None if there is None else there.entry

    def entry(self, row_id: str) -> Entry:
        """What is known of a row. Raises KeyError where it is not there."""
        return self._places[row_id].entry

    def label(self, row_id: str) -> bool | None:
        """Raises KeyError where it is not there."""
        return self._places[row_id].label

    def tokens(self, row_id: str) -> int:
        """About how many a model reads of it. Raises KeyError where it is not there."""
        return self._places[row_id].tokens

    def discard(self, row_id: str) -> Entry:
        """Leave a row out after all. Raises KeyError where it is not there."""
        return self._places.pop(row_id).entry

    def side(self, split: Split) -> Iterator[Row]:
        """The rows of one side, by name."""
        self._file.flush()
        for place in self._sorted():
            if place.entry.split == split:
                yield self._read(place)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All rows by name."""
        return tuple(place.entry for place in self._sorted())

    def count(self, split: Split, label: bool | None = None) -> int:
        """Rows of one side, of one label where one is given."""
        return sum(
            place.entry.split == split and label in (None, place.label)
            for place in self._places.values()
        )

    @property
    def masked(self) -> bool:
        """Whether any row has an assistant turn that must not train."""
        return any(place.masked for place in self._places.values())

    @property
    def tools(self) -> bool:
        """Whether any row has tool definitions."""
        return any(place.tools for place in self._places.values())

    @property
    def margin(self) -> bool:
        """Whether every row knows by how much its better side is better."""
        return all(place.margin for place in self._places.values())

    def lengths(self, split: Split) -> tuple[int, ...]:
        """Rows of one side by length: at n those of less than 2 ** n tokens, and not of less."""
        bits = [p.tokens.bit_length() for p in self._places.values() if p.entry.split == split]
        counts = Counter(bits)
        return tuple(counts[n] for n in range(max(bits, default=-1) + 1))

    def _sorted(self) -> list[_Place]:
        return [self._places[name] for name in sorted(self._places)]

    def _read(self, place: _Place) -> Row:
        return _DECODER.decode(pread(self._file.fileno(), place.size, place.start))


def _tokens(row: Row) -> int:
    """Four characters to a token; tool definitions are read as well."""
    sides = (row.messages, row.prompt, row.completion, row.chosen, row.rejected)
    said = sum(chars(message) for side in sides for message in side)
    return -(-(said + len(row.tools or "")) // 4)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Row)
