"""What stands where in a row of scores, and whether it can be what it claims to be."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from headrace.evals.cases.content import content_hash
from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.meaning import TRUTH, Meaning, number
from headrace.evals.scores.rowfile import Row, read
from headrace.ingest.interpreter import Marks

_OPTIONS = {"release": "--release-expr"}  # `--release` names one release for all rows
_SECONDS = re.compile(r"\d{9,}(\.\d+)?")  # as text, in CSV; from 1973 on: '2026' is a year


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row holds what: field names or JMESPath; None asks for the field of that name.

    `value` lies in [0, out_of] ('87 %', too, if that is 100), is a boolean or one of the words;
    null or empty is an attempt without a measurement, and so is a comparison with a field that is
    null or not there.
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
    content: str | None = None  # what the case asks: where it changes, it is another case
    passing: tuple[str, ...] = ()  # words that mean 1, in any case
    failing: tuple[str, ...] = ()  # words that mean 0
    absent: tuple[str, ...] = ()  # words that mean: measured nothing
    out_of: float = 1.0  # the number that stands for 1: 100 for percentages


_PARTS = ("release", "case", "value", "epoch", "run", "scorer", "slice", "cluster", "at")


class Line(msgspec.Struct, frozen=True, kw_only=True):
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
    content: str | None = None  # hash

    @property
    def identity(self) -> list[object]:
        """All of a line but its place: a copy has the same."""
        said = msgspec.to_builtins(self)
        fields = [said[name] for name in self.__struct_fields__ if name not in ("where", "content")]
        return fields if self.content is None else [*fields, self.content]


def picked(file: Path, picks: Picks, release: str | None) -> list[Line]:
    """The rows of a file, picked and checked. Raises ScoresRefused, naming line and cure."""
    rows = list(read(file))
    if not rows:
        raise ScoresRefused(f"{file}: no rows: give one row per attempt")
    fields = sorted({name for _, row in rows for name in row})
    pick = _pickers(file, picks, [row for _, row in rows], fields, release)
    meaning = Meaning.of(
        passing=picks.passing, failing=picks.failing, absent=picks.absent, out_of=picks.out_of
    )
    return [_line(where, row, pick, meaning, release) for where, row in rows]


def _pickers(
    file: Path, picks: Picks, rows: Sequence[Row], fields: Sequence[str], release: str | None
) -> dict[str, Callable[[Row], Any]]:
    """How to find each part of a row; a part nobody asked for may be missing."""
    needed = {"case", "value"} | (set() if release else {"release"})
    pick: dict[str, Callable[[Row], Any]] = {}
    parts = _PARTS if picks.content is None else (*_PARTS, "content")  # else `content` is anything
    for part in parts:
        given: str | None = getattr(picks, part)
        expression = given or {"case": "case_id"}.get(part, part)
        find = _finder(part, expression, fields)
        if expression in fields or any(find(row) is not None for row in rows):
            pick[part] = find
        elif given or part in needed:
            quoted = (
                f" or, for one name for all, `--scorer \"'{given}'\"`" if part == "scorer" else ""
            )
            raise ScoresRefused(
                f"{file}: {part} = {expression!r} finds nothing in any row; the fields are: "
                f"{', '.join(fields)}. Say where it is with `{_option(part)} EXPRESSION`{quoted}"
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
    marks = Marks()  # `word == 'pass'` of a row without the word measured nothing

    def find(row: Row) -> Any:
        try:
            return marks.visit(compiled.parsed, row) if part == "value" else compiled.search(row)
        except JMESPathError as error:
            raise ScoresRefused(f"{part} = {expression!r}: {error}") from error

    return find


def _line(
    where: str,
    row: Row,
    pick: Mapping[str, Callable[[Row], Any]],
    meaning: Meaning,
    release: str | None,
) -> Line:
    found = {part: find(row) for part, find in pick.items()}
    return Line(
        where=where,
        release=release or _needed(where, "release", found.get("release")),
        case_id=_needed(where, "case", found.get("case")),
        value=meaning.value(where, found.get("value")),
        epoch=_epoch(where, found.get("epoch")),
        run=_text(where, "run", found.get("run")),
        scorer=_text(where, "scorer", found.get("scorer")) or "score",
        slice=_text(where, "slice", found.get("slice")),
        cluster=_text(where, "cluster", found.get("cluster")),
        at=_at(where, found.get("at")),
        content=content_hash(found.get("content")),
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
    text = str(value)
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ScoresRefused(f"{where}: {part} holds half a character (a lone surrogate)")
    return text


def _epoch(where: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    found = None if str(value).lower() in TRUTH else number(value)
    if found is None or not found.is_integer() or not 0 <= found < 2**53:
        raise ScoresRefused(
            f"{where}: epoch {value!r} is no whole number from 0: number the trials, or leave "
            "the field away and they count as they come"
        )
    return int(found)


def _at(where: str, value: object) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        seconds = _seconds(value)
        time = datetime.fromtimestamp(seconds, UTC) if seconds is not None else _iso(str(value))
        return time.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ScoresRefused(
            f"{where}: at {value!r} is no time: give ISO 8601, or seconds since 1970"
        ) from error


def _seconds(value: object) -> float | None:
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _iso(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _option(part: str) -> str:
    return _OPTIONS.get(part, f"--{part}")
