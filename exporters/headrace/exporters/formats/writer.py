"""Rows in a dialect, written as they are read: memory holds one of them."""

from collections.abc import Iterator
from pathlib import Path

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Shape, Written
from headrace.exporters.formats.loss import LossTally
from headrace.exporters.formats.registry import Format
from headrace.exporters.rowfile import RowFile
from headrace.lake.record import Split

HOWTO = "HOWTO.md"


def write(format: Format, rows: RowFile, shape: Shape, folder: Path) -> Written:
    """The files of a dialect in `folder`, its page among them."""
    telling = _Telling(format, shape)
    folder.mkdir(parents=True, exist_ok=True)
    for split in shape.splits:
        telling.write(rows, split, folder / format.files[split])
    written = telling.written
    page = format.dialect.howto(written)
    (folder / HOWTO).write_text(page, encoding="utf-8", newline="\n")
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
        with file.open("w", encoding="utf-8", newline="\n") as sink:
            for line in self._lines(rows, split):
                sink.write(f"{line}\n")
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

    def _lines(self, rows: RowFile, split: Split) -> Iterator[str]:
        for row in rows.side(split):
            self._tally.turn(row.row_id)
            for record in self._dialect.records(row, self._shape, self._tally):
                line = text(record)
                self._counts[split] = self._counts.get(split, 0) + 1
                self._columns = self._columns or tuple(record)
                self._longest = max(self._longest, len(line))
                yield line
