"""Scores in rows: JSONL or CSV, plain or compressed, with expressions that say what is where."""

import csv
import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

import jmespath
import msgspec
import zstandard
from jmespath.exceptions import JMESPathError

from headrace.evals.attempt import Attempt, Measured
from headrace.evals.errors import ScoresRefused
from headrace.lake.message import digest, dump

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".ndjson", ".csv")
_WINDOW = 1 << 31  # zstd files made with --long ask for more than the default
_TRUTH = {"true": 1.0, "false": 0.0}


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row holds what: field names or JMESPath; None asks for the field of that name.

    `value` lies in [0, 1] or is a boolean; null or empty is an attempt without a measurement.
    """

    release: str | None = None
    case: str | None = None  # the field `case_id`
    value: str | None = None
    epoch: str | None = None
    run: str | None = None
    scorer: str | None = None
    slice: str | None = None
    cluster: str | None = None
    at: str | None = None  # time of the release: ISO 8601, or seconds since 1970


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    where: str  # file and line, for complaints
    release: str
    case_id: str
    value: float | None
    epoch: int | None
    run: str | None
    scorer: str
    slice: str | None
    cluster: str | None
    at: datetime | None

    @property
    def content(self) -> list[object]:
        said = msgspec.to_builtins(self)
        return [said[name] for name in self.__struct_fields__ if name != "where"]


def read_rows(
    files: Iterable[Path], picks: Picks, release: str | None, now: datetime
) -> tuple[list[Measured], int]:
    """The runs in files of rows and how many rows were copies.

    A run is what `run` names, else a release within a file; releases come in the order of their
    `at`, else of first appearance. Raises ScoresRefused, naming file, line and cure.
    """
    tables: dict[str, list[_Line]] = {}
    copies = 0
    for file in files:
        lines = _lines(file, picks, release)
        content = digest(dump([line.content for line in lines]))
        copies += len(lines) if content in tables else 0
        tables.setdefault(content, lines)
    grouped = _grouped(tables)
    times = _times([line for lines in tables.values() for line in lines], now)
    runs = []
    for (key, name), lines in grouped.items():
        attempts, again = _attempts(lines)
        copies += again
        at = times[name]
        run = Measured(
            key=key, release=name, released_at=at, started_at=at, attempts=tuple(attempts)
        )
        runs.append(run)
    return runs, copies


def _grouped(tables: Mapping[str, Sequence[_Line]]) -> dict[tuple[str, str], list[_Line]]:
    groups: dict[tuple[str, str], list[_Line]] = defaultdict(list)
    for content, lines in tables.items():
        for line in lines:
            of = content if line.run is None else line.run
            kind = "file" if line.run is None else "run"
            groups[dump([kind, line.release, of]), line.release].append(line)
    return groups


def _attempts(lines: Sequence[_Line]) -> tuple[list[Attempt], int]:
    """Attempts of one run; rows without an epoch are numbered as they come."""
    count: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str, int], tuple[Attempt, str]] = {}
    copies = 0
    for line in lines:
        count[line.case_id, line.scorer] += 1
        epoch = line.epoch if line.epoch is not None else count[line.case_id, line.scorer]
        attempt = Attempt(
            case_id=line.case_id,
            scorer=line.scorer,
            value=line.value,
            epoch=epoch,
            slice=line.slice,
            cluster=line.cluster,
        )
        first, where = found.setdefault((line.case_id, line.scorer, epoch), (attempt, line.where))
        if first.value != attempt.value:
            raise ScoresRefused(
                f"{line.where}: case {line.case_id!r} has another value for epoch {epoch} of "
                f"scorer {line.scorer!r} than {where}: number repeated attempts with `epoch`, "
                "or name their runs with `run`"
            )
        copies += where != line.where
    return [attempt for attempt, _ in found.values()], copies


def _times(lines: Iterable[_Line], now: datetime) -> dict[str, datetime]:
    """When each release was: the earliest `at` of its rows, else its place in the file."""
    times: dict[str, datetime | None] = {}
    for line in lines:
        known = times.setdefault(line.release, line.at)
        if line.at is not None and (known is None or line.at < known):
            times[line.release] = line.at
    return {
        name: at or now + timedelta(microseconds=i) for i, (name, at) in enumerate(times.items())
    }


def _lines(file: Path, picks: Picks, release: str | None) -> list[_Line]:
    rows = list(_rows(file))
    if not rows:
        raise ScoresRefused(f"{file}: no rows: give one row per attempt")
    fields = sorted({name for _, row in rows for name in row})
    pick = _pickers(file, picks, [row for _, row in rows], fields, release)
    return [_line(where, row, pick, release) for where, row in rows]


def _pickers(
    file: Path, picks: Picks, rows: Sequence[Row], fields: Sequence[str], release: str | None
) -> dict[str, Callable[[Row], Any]]:
    """How to find each part of a row; a part nobody asked for may be missing."""
    needed = {"case", "value"} | (set() if release else {"release"})
    pick: dict[str, Callable[[Row], Any]] = {}
    for part in picks.__struct_fields__:
        given: str | None = getattr(picks, part)
        expression = given or {"case": "case_id"}.get(part, part)
        find = _finder(part, expression, fields)
        if expression in fields or any(find(row) is not None for row in rows):
            pick[part] = find
        elif given or part in needed:
            raise ScoresRefused(
                f"{file}: {part} = {expression!r} finds nothing in any row; the fields are: "
                f"{', '.join(fields)}. Say where it is with `--{part} EXPRESSION`"
            )
    return pick


def _finder(part: str, expression: str, fields: Sequence[str]) -> Callable[[Row], Any]:
    if expression in fields:  # also names that JMESPath would want quoted
        return lambda row: row.get(expression)
    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise ScoresRefused(
            f"{part} = {expression!r} is no JMESPath expression: {error}"
        ) from error
    return lambda row: _found(part, compiled, row)


def _found(part: str, compiled: Any, row: Row) -> Any:
    try:
        return compiled.search(row)
    except JMESPathError as error:
        raise ScoresRefused(f"{part} = {compiled.expression!r}: {error}") from error


def _line(
    where: str, row: Row, pick: Mapping[str, Callable[[Row], Any]], release: str | None
) -> _Line:
    found = {part: find(row) for part, find in pick.items()}
    return _Line(
        where=where,
        release=release or _needed(where, "release", found.get("release")),
        case_id=_needed(where, "case", found.get("case")),
        value=_value(where, found.get("value")),
        epoch=_epoch(where, found.get("epoch")),
        run=_text(where, "run", found.get("run")),
        scorer=_text(where, "scorer", found.get("scorer")) or "score",
        slice=_text(where, "slice", found.get("slice")),
        cluster=_text(where, "cluster", found.get("cluster")),
        at=_at(where, found.get("at")),
    )


def _needed(where: str, part: str, value: object) -> str:
    text = _text(where, part, value)
    if text is None:
        raise ScoresRefused(f"{where}: no {part}: every row needs one")
    return text


def _text(where: str, part: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, list | dict):
        raise ScoresRefused(f"{where}: {part} is a {type(value).__name__}: pick a text or a number")
    return str(value)


def _value(where: str, value: object) -> float | None:
    if value is None or value == "":
        return None
    number = _number(value)
    if number is not None and math.isnan(number):
        return None
    if number is None or not 0 <= number <= 1:
        raise ScoresRefused(
            f"{where}: value {value!r} is not in [0, 1]: rescale it in the expression of `--value`"
        )
    return number


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            return _TRUTH[value.lower()] if value.lower() in _TRUTH else float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, bool | int | float) else None


def _epoch(where: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None or number != int(number) or number < 1:
        raise ScoresRefused(
            f"{where}: epoch {value!r} is no whole number from 1; trials counted from 0 are "
            "`--epoch 'sum([trial, `1`])'`"
        )
    return int(number)


def _at(where: str, value: object) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        seconds = value if isinstance(value, int | float) else None
        time = datetime.fromtimestamp(seconds, UTC) if seconds is not None else _iso(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ScoresRefused(
            f"{where}: at {value!r} is no time: give ISO 8601, or seconds since 1970"
        ) from error
    return time.astimezone(UTC)


def _iso(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _rows(file: Path) -> Iterator[tuple[str, Row]]:
    try:
        with _opened(file) as text:
            numbered = _csv(text) if ".csv" in file.suffixes else _jsonl(file, text)
            for number, row in numbered:
                yield f"{file}, line {number}", row
    except FileNotFoundError as error:
        raise ScoresRefused(f"{file}: there is no such file") from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zstandard.ZstdError) as error:
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


def _opened(file: Path) -> TextIOWrapper:
    raw: BinaryIO = file.open("rb")
    if file.suffix == ".gz":
        raw = cast(BinaryIO, gzip.open(raw))
    elif file.suffix == ".zst":
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw)
        raw = cast(BinaryIO, reader)
    return TextIOWrapper(raw, encoding="utf-8-sig", newline="")
