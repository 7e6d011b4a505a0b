"""What a trainer dialect is: how it says a row, and the page that trains on its files."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, Self

import msgspec
import pyarrow as pa

from headrace.exporters.formats.loss import LossReport
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import SPLITS, RowFile
from headrace.lake.record import Split

Record = dict[str, Any]
Lost = Callable[[str], None]  # told the code of what a record cannot say of its row


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows of a data set have in common; known before the first is written."""

    name: str  # of the data set
    objective: Objective
    rows: Mapping[Split, int]
    masked: bool  # some assistant turn must not train
    tools: bool  # some row has tool definitions
    margin: bool  # every pair knows by how much its better side is better
    desirable: int  # rows to train on that are labelled so
    undesirable: int

    @classmethod
    def of(cls, name: str, objective: Objective, rows: RowFile) -> Self:
        return cls(
            name=name,
            objective=objective,
            rows={split: rows.count(split) for split in SPLITS},
            masked=rows.masked,
            tools=rows.tools,
            margin=rows.margin,
            desirable=rows.count("train", label=True),
            undesirable=rows.count("train", label=False),
        )

    @property
    def slug(self) -> str:
        """The name in letters, digits, `_` and `-` alone, which trainers and shells take."""
        return re.sub(r"[^A-Za-z0-9_-]+", "-", self.name).strip("-") or "dataset"

    @property
    def splits(self) -> tuple[Split, ...]:
        """Those that have rows."""
        return tuple(split for split, count in self.rows.items() if count)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one dialect has written."""

    shape: Shape
    files: Mapping[Split, str]  # name below `formats/<name>/`
    columns: tuple[str, ...]  # of the first record
    longest: int  # characters of the longest record as JSON
    loss: LossReport

    @property
    def records(self) -> Mapping[Split, int]:
        """How many of each side."""
        return self.loss.records


class Dialect(Protocol):
    """A module of `formats`; pure, it never reads the lake and decides nothing about a row."""

    def records(self, row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
        """What a row becomes: one record, several, or none; what these do not say is told."""
        ...

    def pages(self, written: Written) -> Mapping[str, str]:
        """Texts beside the records, by file name: HOWTO.md with the trainer's exact configuration
        and what was lost, and whatever else the trainer reads."""
        ...


class Tabular(Dialect, Protocol):
    """A dialect whose files are Parquet."""

    def schema(self, shape: Shape) -> pa.Schema:
        """Of its records; written by hand and never inferred."""
        ...
