"""Rows in a dialect, written as they are read: memory holds one of them."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

from headrace.exporters.formats import sink
from headrace.exporters.formats.dialect import Shape, Tabular, Written
from headrace.exporters.formats.loss import LossTally
from headrace.exporters.formats.registry import Format
from headrace.exporters.rowfile import RowFile
from headrace.lake.record import Split


def write(format: Format, rows: RowFile, shape: Shape, folder: Path) -> Written:
    """The files of a dialect in `folder`, its pages among them."""
    telling = _Telling(format, shape)
    folder.mkdir(parents=True, exist_ok=True)
    for split in shape.splits:
        telling.write(rows, split, folder / format.file(split))
    written = telling.written
    for name, page in format.dialect.pages(written).items():
        (folder / name).write_text(page, encoding="utf-8", newline="\n")
    return written


class _Telling:
    """One dialect at work."""

    def __init__(self, format: Format, shape: Shape) -> None:
        self._format, self._dialect, self._shape = format, format.dialect, shape
        self._tally = LossTally(format.name)
        self._columns: tuple[str, ...] = ()
        self._longest = 0

    def write(self, rows: RowFile, split: Split, file: Path) -> None:
        """The file of one side; none where no record is left."""
        written = 0
        with self._sink(file) as put:
            for row in rows.side(split):
                self._tally.turn(row.row_id)
                for record in self._dialect.records(row, self._shape, self._tally):
                    self._columns = self._columns or tuple(record)
                    self._longest = max(self._longest, put(record))
                    self._tally.wrote(split)
                    written += 1
        if not written:
            shutil.rmtree(file) if file.is_dir() else file.unlink()

    @property
    def written(self) -> Written:
        report = self._tally.report
        return Written(
            shape=self._shape,
            files={split: self._format.file(split) for split in report.records},
            columns=self._columns,
            longest=self._longest,
            loss=report,
        )

    def _sink(self, file: Path) -> AbstractContextManager[sink.Put]:
        if self._format.container == "parquet":
            return sink.parquet(file, cast(Tabular, self._dialect).schema(self._shape))
        return sink.folders(file) if self._format.container == "folders" else sink.lines(file)
