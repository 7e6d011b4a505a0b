"""Inspect logs as runs: the headers first, then a row per sample, never transcripts."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from headrace.evals.scores import archive
from headrace.evals.scores.archive import SampleRow
from headrace.evals.scores.attempt import Measured
from headrace.evals.scores.header import Header, judge_hash, opened, read_header
from headrace.evals.scores.sample import attempts

__all__ = ["grouped", "headers", "judge_hash", "read_logs", "runs"]


def read_logs(files: Iterable[Path | str], release: str | None = None) -> list[Measured]:
    """The runs in Inspect logs (`.eval`, `.json`), oldest first.

    A copied log counts once, and so does a sample that a retried log took over. Values: C/I/P/N
    are 1/0/.5/0, error is absent, a limit that was reached is 0. Raises ScoresRefused.
    """
    found = [run for group in grouped(headers(files, release)) for run in runs(group)]
    return sorted(found, key=lambda run: run.started_at)


def headers(files: Iterable[Path | str], release: str | None = None) -> Iterator[Header]:
    """The headers of logs, copies included; `release` stands before what they say of it.

    Raises ScoresRefused.
    """
    return (read_header(str(file), release) for file in files)


def grouped(logs: Iterable[Header]) -> list[list[Header]]:
    """Logs and their retries, each without its copies, oldest first; so are the groups."""
    once: dict[str, Header] = {}
    for log in logs:
        if once.setdefault(log.eval_id, log).status == "started":  # a copy made while it ran
            once[log.eval_id] = log
    groups: dict[str, list[Header]] = {}
    for log in sorted(once.values(), key=attrgetter("created")):
        groups.setdefault(log.task_id, []).append(log)
    return list(groups.values())


def runs(group: Sequence[Header]) -> list[Measured]:
    """The runs of a log and its retries, oldest first. Raises ScoresRefused."""
    seen: set[str] = set()
    return [_measured(log, seen) for log in reversed(group)][::-1]


def _measured(log: Header, seen: set[str]) -> Measured:
    rows = opened(log.name, archive.samples)
    new = [row for row in rows if _is_new(row, seen)]
    return Measured(
        key=f"inspect:{log.eval_id}",
        release=log.release,
        released_at=log.created,
        started_at=log.created,
        attempts=tuple(attempts(log, new)),
        status=log.status,
        model=log.model,
        config_hash=log.config_hash,
        judge_hash=log.judge_hash,
        log_uri=log.location,
        taken_over=len(rows) - len(new),
    )


def _is_new(row: SampleRow, seen: set[str]) -> bool:
    if row.uuid is None:
        return True
    if row.uuid in seen:
        return False
    seen.add(row.uuid)
    return True
