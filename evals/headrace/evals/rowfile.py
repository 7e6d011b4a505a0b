"""Files of rows: JSONL or CSV, plain, gzip or zstd, line by line with the place of each."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from headrace.evals.errors import ScoresRefused

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".ndjson", ".csv")
_WINDOW = 1 << 31  # zstd files made with --long ask for more than the default


def read(file: Path) -> Iterator[tuple[str, Row]]:
    """Where a row stands, for complaints, and the row. Raises ScoresRefused."""
    try:
        # gzip leaves the file that it was handed open
        with file.open("rb") as raw, _text(file, raw) as text:
            numbered = _csv(text) if ".csv" in file.suffixes else _jsonl(file, text)
            for number, row in numbered:
                yield f"{file}, line {number}", row
    except FileNotFoundError as error:
        raise ScoresRefused(f"{file}: there is no such file") from error
    except (UnicodeDecodeError, OSError, EOFError, zstandard.ZstdError, csv.Error) as error:
        raise ScoresRefused(f"{file} is damaged or not UTF-8: {error}") from error


def _csv(text: TextIOWrapper) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(text)
    for row in reader:
        yield reader.line_num, {str(name): value for name, value in row.items()}


def _jsonl(file: Path, text: TextIOWrapper) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ScoresRefused(f"{file}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise ScoresRefused(f"{file}, line {number}: a row is a JSON object, one per line")
        yield number, row


def _text(file: Path, raw: BinaryIO) -> TextIOWrapper:
    if file.suffix == ".gz":
        raw = cast(BinaryIO, gzip.open(raw))
    elif file.suffix == ".zst":
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw)
        raw = cast(BinaryIO, reader)
    return TextIOWrapper(raw, encoding="utf-8-sig", newline="")
