"""Where the records of a dialect go: lines of JSON, Parquet, or a folder for each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record

Container = Literal["jsonl", "parquet", "folders"]
Put = Callable[[Record], int]  # take a record; the characters that it has

GROUP = 1_000  # rows of a row group


@contextmanager
def lines(file: Path) -> Iterator[Put]:
    """A record a line, UTF-8."""
    with file.open("w", encoding="utf-8", newline="\n") as sink:

        def put(record: Record) -> int:
            line = text(record)
            sink.write(f"{line}\n")
            return len(line)

        yield put


@contextmanager
def parquet(file: Path, schema: pa.Schema) -> Iterator[Put]:
    """A record a row; the same records are the same bytes. Raises ValueError for a column that the
    schema lacks, which Arrow would leave out without a word."""
    held: list[Record] = []
    columns = set(schema.names)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(held, schema=schema), row_group_size=GROUP)
            held.clear()

        def put(record: Record) -> int:
            if more := record.keys() - columns:
                raise ValueError(f"the schema has no column {', '.join(sorted(more))}")
            held.append(record)
            if len(held) == GROUP:
                flush()
            return len(text(record))

        yield put
        if held:
            flush()


@contextmanager
def folders(place: Path) -> Iterator[Put]:
    """A record is a folder: `name`, and `files`, the text of each by its path below it."""
    place.mkdir()

    def put(record: Record) -> int:
        size = 0
        for name, content in record["files"].items():
            file = place / record["name"] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8", newline="\n")
            size += len(content)
        return size

    yield put
