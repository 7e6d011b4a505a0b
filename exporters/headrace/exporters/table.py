"""Rows as Parquet and back, with a schema that is written and never guessed."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.exporters.objective import SCHEMAS, Objective
from headrace.exporters.row import Row
from headrace.lake.record import Split


def path(split: Split) -> str:
    """Where the rows of a split lie in the folder of a data set."""
    return f"data/{split}-00000-of-00001.parquet"


def write(rows: Sequence[Row], objective: Objective) -> bytes:
    """One Parquet file; the same rows are the same bytes."""
    table = pa.Table.from_pylist([row.columns for row in rows], schema=SCHEMAS[objective])
    sink = BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read(file: Path, objective: Objective, split: Split) -> list[Row]:
    """The rows of a file. Raises pyarrow.ArrowException, TypeError where it holds others."""
    table = pq.ParquetFile(file).read()
    return [Row.read(objective, split, columns) for columns in table.to_pylist()]
