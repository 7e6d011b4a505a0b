"""Files of rows: JSONL or CSV, plain, gzip or zstd, line by line with the place of each."""

import csv
import json
import zlib
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any

import zstandard

from headrace.evals.errors import ScoresRefused
from headrace.ingest.jsonl import opened

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".ndjson", ".csv")
_PACKED = (".gz", ".zst")
_MORE = "\0more"  # cells beyond the header; no column has such a name
_DAMAGE = (UnicodeDecodeError, OSError, EOFError, zlib.error, zstandard.ZstdError, csv.Error)


def read(file: Path) -> Iterator[tuple[str, Row]]:
    """Where a row stands, for complaints, and the row. Raises ScoresRefused."""
    try:
        with TextIOWrapper(opened(file), encoding="utf-8-sig", newline="") as text:
            numbered = _csv(file, text) if _is_csv(file) else _jsonl(file, text)
            for number, row in numbered:
                yield f"{file}, line {number}", row
    except FileNotFoundError as error:
        raise ScoresRefused(f"{file}: there is no such file") from error
    except _DAMAGE as error:
        raise ScoresRefused(f"{file} is damaged or not UTF-8: {error}") from error


def _is_csv(file: Path) -> bool:
    return (file.with_suffix("") if file.suffix in _PACKED else file).suffix == ".csv"


def _csv(file: Path, text: TextIOWrapper) -> Iterator[tuple[int, Row]]:
    header = text.readline()
    reader = csv.DictReader(chain([header], text), restkey=_MORE, delimiter=_delimiter(header))
    for row in reader:
        # a comma without quotes shifts every cell behind it: what follows is not what it seems
        if any(row.pop(_MORE, None) or ()):
            raise ScoresRefused(
                f"{file}, line {reader.line_num}: more cells than the header has names: "
                "put cells that hold a comma or semicolon in double quotes"
            )
        yield reader.line_num, {name: cell or None for name, cell in row.items()}  # empty: absent


def _delimiter(header: str) -> str:
    """A comma, else what spreadsheets write where the comma is the decimal sign, else a tab."""
    return next((sign for sign in ",;\t" if sign in header), ",")


def _jsonl(file: Path, text: TextIOWrapper) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ScoresRefused(f"{file}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise ScoresRefused(f"{file}, line {number}: a row is a JSON object, one per line")
        yield number, row
