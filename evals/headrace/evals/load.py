"""Scores from elsewhere: Inspect logs and rows, loaded once however often they are copied."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.curate.price import Prices
from headrace.evals.runs.cost import priced
from headrace.evals.scores.attempt import Measured
from headrace.evals.scores.picks import Picks
from headrace.evals.scores.recording import record
from headrace.evals.scores.scorefile import score_files
from headrace.evals.scores.table import read_rows
from headrace.evals.scores.tally import LoadedScores, Tally
from headrace.lake.store import Lake

__all__ = ["LoadedScores", "Picks", "load"]

_BATCH = 50_000  # scores of a transaction: a commit takes 0.1 s, and so many scores 100 MB

Progress = Callable[[int, int], None]  # how much is read, of how much


def load(
    lake: Lake,
    project: str,
    files: Sequence[Path | str],
    *,
    suite: str,
    mapping: Picks | None = None,
    release: str | None = None,
    by_id: bool = False,
    now: datetime,
    progress: Progress | None = None,
) -> LoadedScores:
    """Load Inspect logs (`.eval`, `.json`, or folders of them) and rows (`.jsonl`, `.ndjson`,
    `.csv`, also packed).

    Loading the same files again changes nothing. Runs are written whole, 50,000 scores in a
    transaction, the oldest first. `mapping` tells where rows hold what, `release` names the
    release of all that is loaded; `by_id` takes cases for the same whatever they ask.
    Raises ScoresRefused.
    """
    found = score_files(files)
    rows, copies = read_rows(found.tables, mapping or Picks(), release, now)
    tally = Tally()
    tally.add_copies(copies)
    logged = _runs_of(found.logs, release, tally, progress or _silent)
    prices = Prices.load(lake.settings)
    for batch in _batches(rows, logged):
        batch = [priced(run, prices) for run in batch]
        tally.add(batch, record(lake, project, suite, batch, now=now, by_id=by_id))
    return tally.loaded(project, suite, len(found.logs) + len(found.tables), found.passed_over)


def _runs_of(
    logs: Sequence[Path], release: str | None, tally: Tally, progress: Progress
) -> Iterator[Sequence[Measured]]:
    """The runs of each log with its retries; rows alone do without Inspect, slow to import."""
    if not logs:
        return
    from headrace.evals.scores.log import grouped, headers, runs

    steps, done = 2 * len(logs), 0
    known = []
    for done, header in enumerate(headers(logs, release), start=1):
        known.append(header)
        progress(done, steps)
    groups = grouped(known)
    tally.add_copies(len(logs) - sum(map(len, groups)))
    tally.add_overruled([header.overruled for header in known if header.overruled])
    first: dict[str, datetime] = {}
    for header in known:
        first[header.release] = min(first.get(header.release, header.created), header.created)
    for group in groups:
        yield [msgspec.structs.replace(run, released_at=first[run.release]) for run in runs(group)]
        done += len(group)
        progress(done, steps)
    progress(steps, steps)


def _batches(
    rows: Sequence[Measured], logged: Iterator[Sequence[Measured]]
) -> Iterator[list[Measured]]:
    """Runs that are written together; those of rows all in one."""
    batch = list(rows)
    size = sum(len(run.attempts) for run in batch)
    for runs in logged:
        more = sum(len(run.attempts) for run in runs)
        if batch and size + more > _BATCH:
            yield batch
            batch, size = [], 0
        batch += runs
        size += more
    if batch:
        yield batch


def _silent(done: int, steps: int) -> None:
    """Nobody looks."""
