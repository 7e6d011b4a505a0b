"""Scores in rows made into runs: one per release in a file, or as the rows name them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median_low

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.attempt import Attempt, Measured
from headrace.evals.scores.picks import Line, Picks, picked
from headrace.lake.message import digest, dump


def read_rows(
    files: Iterable[Path], picks: Picks, release: str | None, now: datetime
) -> tuple[list[Measured], int]:
    """The runs in files of rows and how many rows were copies.

    A run is what `run` names, else a release within a file; releases come in the order of their
    `at`, else of first appearance. Raises ScoresRefused, naming file, line and cure.
    """
    chunks, copies = _chunks(picked(file, picks, release) for file in files)
    times = _times([line for _, lines in chunks for line in lines], now)
    runs = []
    for (key, name), lines in _grouped(chunks).items():
        attempts, again = _attempts(lines)
        copies += again
        runs.append(
            Measured(
                key=key,
                release=name,
                released_at=times[name],
                started_at=times[name],
                attempts=tuple(attempts),
                uneven=_uneven(line for line, _ in lines),
            )
        )
    return runs, copies


def _chunks(files: Iterable[Sequence[Line]]) -> tuple[list[tuple[str, list[Line]]], int]:
    """The rows of one release and run in one file, by their content; how many rows were copies.

    Not by the file's content: a file that grows with every release keeps its older runs.
    """
    chunks: dict[str, list[Line]] = {}
    copies = 0
    for lines in files:
        parts: dict[tuple[str, str | None], list[Line]] = defaultdict(list)
        for line in lines:
            parts[line.release, line.run].append(line)
        for part in parts.values():
            content = digest(dump([line.identity for line in part]))
            copies += len(part) if content in chunks else 0
            chunks.setdefault(content, part)
    return list(chunks.items()), copies


def _grouped(
    chunks: Iterable[tuple[str, Sequence[Line]]],
) -> dict[tuple[str, str], list[tuple[Line, int]]]:
    """By key and release: the rows of each run with their epochs."""
    groups: dict[tuple[str, str], list[tuple[Line, int]]] = defaultdict(list)
    for content, part in chunks:
        name, run = part[0].release, part[0].run
        key = ["rows", content] if run is None else ["run", name, run]
        groups[dump(key), name].extend(_numbered(part))
    return groups


def _numbered(part: Iterable[Line]) -> Iterator[tuple[Line, int]]:
    """Rows without an epoch get one as they come, in every file anew, as one file may grow."""
    count: Counter[tuple[str, str]] = Counter()
    for line in part:
        count[line.case_id, line.scorer] += 1
        yield line, count[line.case_id, line.scorer] if line.epoch is None else line.epoch


def _attempts(lines: Iterable[tuple[Line, int]]) -> tuple[list[Attempt], int]:
    """Attempts of one run, each once, and how many rows were copies."""
    found: dict[tuple[str, str, int], tuple[Attempt, str]] = {}
    copies = 0
    for line, epoch in lines:
        attempt = Attempt(
            case_id=line.case_id,
            scorer=line.scorer,
            value=line.value,
            epoch=epoch,
            slice=line.slice,
            cluster=line.cluster,
            content=line.content,
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


def _uneven(lines: Iterable[Line]) -> int:
    """Cases with more rows than most: epochs, or rows that stand twice by mistake."""
    count = Counter((line.case_id, line.scorer) for line in lines if line.epoch is None)
    usual = median_low(count.values()) if count else 0
    return sum(rows > usual for rows in count.values())


def _times(lines: Iterable[Line], now: datetime) -> dict[str, datetime]:
    """When each release was: the earliest `at` of its rows, else its place in the file."""
    times: dict[str, datetime | None] = {}
    for line in lines:
        known = times.setdefault(line.release, line.at)
        if line.at is not None and (known is None or line.at < known):
            times[line.release] = line.at
    return {
        name: at or now + timedelta(microseconds=i) for i, (name, at) in enumerate(times.items())
    }
