"""Rows in a dialect, written as they are read: memory holds a few of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Dialect, Record, Shape, Written
from headrace.exporters.formats.loss import LossTally
from headrace.exporters.formats.registry import Format
from headrace.exporters.rowfile import RowFile
from headrace.lake.record import Split

HOWTO = "HOWTO.md"
GROUP = 1_000  # records of a row group


def write(format: Format, rows: RowFile, shape: Shape, folder: Path) -> Written:
    """The files of a dialect in `folder`, its page among them."""
    told = _Telling(format, shape)
    folder.mkdir(parents=True, exist_ok=True)
    for split in shape.splits:
        told.write(rows, split, folder / format.files[split])
    written = told.written
    pages = {HOWTO: format.dialect.howto(written), **_beside(format.dialect, written)}
    for name, page in pages.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(page, encoding="utf-8", newline="\n")
    return written


class _Telling:
    """One dialect at work."""

    def __init__(self, format: Format, shape: Shape) -> None:
        self._format, self._dialect, self._shape = format, format.dialect, shape
        self._tally = LossTally(format.name)
        self._counts: dict[Split, int] = {}
        self._columns: tuple[str, ...] = ()
        self._longest = 0

    def write(self, rows: RowFile, split: Split, file: Path) -> None:
        """The file of one side; none where no record is left."""
        put = self._parquet if file.suffix == ".parquet" else _jsonl
        put(self._records(rows, split), file)
        if not self._counts.get(split):
            file.unlink()

    @property
    def written(self) -> Written:
        return Written(
            shape=self._shape,
            files={split: self._format.files[split] for split in self._counts},
            records=self._counts,
            columns=self._columns,
            longest=self._longest,
            loss=self._tally.report,
        )

    def _records(self, rows: RowFile, split: Split) -> Iterator[tuple[Record, str]]:
        for row in rows.side(split):
            self._tally.turn(row.row_id)
            for record in self._dialect.records(row, self._shape, self._tally):
                line = text(record)
                self._counts[split] = self._counts.get(split, 0) + 1
                self._columns = self._columns or tuple(record)
                self._longest = max(self._longest, len(line))
                yield record, line

    def _parquet(self, records: Iterator[tuple[Record, str]], file: Path) -> None:
        schema: pa.Schema = self._dialect.schema(self._shape)  # type: ignore[attr-defined]
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            while group := [record for record, _ in islice(records, GROUP)]:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _jsonl(records: Iterable[tuple[Record, str]], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as sink:
        for _, line in records:
            sink.write(line)
            sink.write("\n")


def _beside(dialect: Dialect, written: Written) -> Mapping[str, str]:
    """What some trainers want beside the rows: a list of data sets, a module with the scorer."""
    more: Callable[[Written], Mapping[str, str]] | None = getattr(dialect, "beside", None)
    return {} if more is None else more(written)
