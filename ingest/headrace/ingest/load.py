"""Loading files: one episode a line, its fields picked by expressions."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from headrace.ingest import batch, grade, jsonl
from headrace.ingest.batch import Batch
from headrace.ingest.episode_row import Given, episode, identity
from headrace.ingest.errors import BadPick, Undecodable
from headrace.ingest.jsontext import value_of
from headrace.ingest.picks import Picker, Picks, Record, option
from headrace.ingest.secrets import export as secrets
from headrace.lake.message import digest, dump
from headrace.lake.record import Outcome
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction
from headrace.lake.threshold import Threshold

EPISODES = 1_000  # of one lake transaction
FIRST = 100  # lines that an expression's field may be looked for on

_MILLISECONDS = 10**11  # epoch numbers from here on cannot be seconds
_EPOCH = re.compile(r"[0-9]{9,13}(\.[0-9]+)?")  # Python would read 1712010112345 as a day in 1712

Progress = Callable[[int], None]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines."""

    rows: int  # lines that hold something
    added: int  # episodes that were new, or new revisions
    unchanged: int  # episodes that the lake had already
    marked: int  # lines with success or score
    refused: int
    refusals: tuple[str, ...]  # file:line, field and cure of each refused line
    hints: tuple[str, ...]  # expressions that found nothing on any line


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as rows, or why it was refused."""

    rows: Batch | None
    refusal: str = ""


def load(
    lake: Lake,
    files: Iterable[Path | str],
    picks: Picks,
    *,
    project: str,
    now: datetime,
    success_at: Threshold | None = None,
    on_progress: Progress | None = None,
) -> Loaded:
    """Load JSONL files (.gz, .zst); the same file twice adds nothing.

    `success_at` makes marks of scores that come without one. Raises BadPick where an expression is
    invalid or finds no field on the first lines, and UnreadableFile; what was written until then
    stays, and loading again goes on.
    """
    if success_at is not None and picks.score is None:
        raise BadPick(f"--success-at {str(success_at)!r} needs a score: pick it with --score")
    reading = _Reading(Picker(picks), project, now, success_at)
    source = (line for file in files for line in reading.lines(Path(file)))
    done: list[_Line] = []
    added = rows = 0
    while chunk := list(islice(source, EPISODES)):
        good = [line.rows for line in chunk if line.rows is not None]
        added += lake.write(partial(_write, good=good))
        rows += len(chunk)
        done += [_Line(rows=None, refusal=line.refusal) for line in chunk if line.refusal]
        if on_progress is not None:
            on_progress(rows)
    return Loaded(
        rows=rows,
        added=added,
        unchanged=rows - len(done) - added,
        marked=reading.marked,
        refused=len(done),
        refusals=tuple(line.refusal for line in done),
        hints=tuple(reading.hints()) if rows else (),
    )


class _Reading:
    """What is remembered from line to line."""

    def __init__(
        self, picker: Picker, project: str, now: datetime, success_at: Threshold | None
    ) -> None:
        self._picker = picker
        self._success_at = success_at
        self._project = project
        self._now = now
        self._proven = False
        self._silent = set(picker.expressions)  # found nothing on any line so far
        self._equal: Counter[str] = Counter()  # content -> lines of this file without an id
        self._seen: dict[str, tuple[str, str]] = {}  # id -> content, place
        self._marks: dict[str, list[tuple[bool | None, float | None]]] = {}  # id -> each once
        self.marked = 0

    def lines(self, path: Path) -> Iterator[_Line]:
        self._equal.clear()
        for number, line in self._proving(jsonl.lines(path)):
            place = f"{path}:{number}"
            try:
                yield _Line(rows=self._rows(line, place))
            except Undecodable as error:
                yield _Line(rows=None, refusal=f"{place}: {error}")

    def hints(self) -> Iterator[str]:
        """The expressions that found nothing; deep in an object a misspelt field is no error."""
        for name, expression in self._picker.expressions.items():
            if name in self._silent:
                yield f"--{option(name)} {expression!r} found nothing on any line"

    def _proving(self, lines: Iterator[jsonl.Line]) -> Iterator[jsonl.Line]:
        """The same lines, the first ones held back until every expression has found its fields.

        Writers leave out what is null, so that one line alone may lack a field.
        """
        held: list[jsonl.Line] = []
        records: list[Record] = []
        while not self._proven and len(held) < FIRST and (line := next(lines, None)):
            held.append(line)
            records += _records(line)
            with suppress(BadPick):
                self._picker.prove(records)
                self._proven = True
        if records and not self._proven:
            self._picker.prove(records)
        return chain(held, lines)

    def _rows(self, line: bytes, place: str) -> Batch:
        line, removed = secrets.stripped_line(line)
        found = self._picker.pick(jsonl.record(line))
        self._silent -= {name for name, value in found.items() if value is not None}
        given = _given(found)
        content = identity(given)
        name = _text(found.get("id")) or self._numbered(content)
        rows = episode(given, episode_id=name, content=content, project=self._project, at=self._now)
        self._once(name, content, place)
        mark = self._mark(found, name)
        self.marked += len(mark)
        return Batch.union([secrets.told(rows, removed), Batch(outcomes=mark)])

    def _numbered(self, content: str) -> str:
        """The name of a line without an id: equal lines of a file are runs of their own."""
        self._equal[content] += 1
        number = self._equal[content]
        return content if number == 1 else digest(dump([content, number]))

    def _mark(self, found: dict[str, Any], name: str) -> tuple[Outcome, ...]:
        """The mark of a line; one episode on two lines may be marked in two ways."""
        success, score = grade.success(found.get("success")), grade.score(found.get("score"))
        if success is None and score is not None and self._success_at is not None:
            success = self._success_at.passes(score)
        mark = success, score
        if mark == (None, None):
            return ()
        known = self._marks.setdefault(name, [])
        if mark not in known:
            known.append(mark)
        return (
            Outcome(
                project=self._project,
                outcome_id=digest(dump([name, "loaded", known.index(mark)])),
                target_kind="episode",
                target_id=name,
                name="loaded",
                success=mark[0],
                score=mark[1],
                source="product",
                at=self._now,
                received_at=self._now,
            ),
        )

    def _once(self, name: str, content: str, place: str) -> None:
        first, where = self._seen.setdefault(name, (content, place))
        if first != content:
            raise Undecodable(
                f"id {name[:60]!r} names another episode at {where}: "
                "pick an id that is unique, or none"
            )


def _records(line: jsonl.Line) -> list[Record]:
    """The object of a line, where it holds one."""
    try:
        return [jsonl.record(line[1])]
    except Undecodable:
        return []


def _given(found: dict[str, Any]) -> Given:
    task = _text(found.get("task"))
    return Given(
        messages=value_of(found["messages"]),
        tools=_tools(found.get("tools")),
        conversation=_text(found.get("conversation")),
        user=_text(found.get("user")),
        release=_text(found.get("release")),
        model=_text(found.get("model")),
        started_at=_time(found.get("started_at")),
        metadata={**_metadata(found.get("metadata")), **({} if task is None else {"task": task})},
    )


def _metadata(found: object) -> dict[str, Any]:
    if found is None or isinstance(found, dict):
        return found or {}
    raise Undecodable(
        f"metadata is {type(found).__name__}: give an object, as in --metadata '{{kind: kind}}'"
    )


def _tools(found: object) -> object:
    """Definitions, also as JSON text; text that is no JSON must not read as "none known"."""
    tools = value_of(found)
    if tools is None and isinstance(found, str) and found.strip() not in ("", "null"):
        raise Undecodable("tools is text and no JSON: give a list of {type, function}")
    return tools


def _write(tx: Transaction, *, good: Sequence[Batch]) -> int:
    rows = Batch.union(good)
    return batch.write(tx, msgspec.structs.replace(rows, outcomes=_fresh(tx, rows.outcomes)))


def _fresh(tx: Transaction, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The marks that say something else than the lake knows."""
    if not outcomes:
        return ()
    sql = statements("headrace.ingest", "load.sql")["known_marks"]
    ids = sorted({row.outcome_id for row in outcomes})
    rows = tx.run(sql, {"project": outcomes[0].project, "ids": ids})
    known = {name: (success, score) for name, success, score in rows}
    return tuple(row for row in outcomes if known.get(row.outcome_id) != (row.success, row.score))


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else dump(value)


def _time(value: object) -> datetime | None:
    """UTC time of ISO text or of an epoch in seconds or milliseconds, also as text."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and _EPOCH.fullmatch(value):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / (1000 if value > _MILLISECONDS else 1), UTC)
        at = datetime.fromisoformat(str(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Undecodable(
            f"started_at is {str(value)[:60]!r}: give 2026-01-31T12:00:00Z or epoch seconds"
        ) from error
