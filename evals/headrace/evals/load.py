"""Scores from elsewhere: Inspect logs and rows, loaded once however often they are copied."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.evals.attempt import Measured, reasons
from headrace.evals.errors import ScoresRefused
from headrace.evals.log import read_logs
from headrace.evals.picks import Picks
from headrace.evals.recording import record
from headrace.evals.rowfile import SUFFIXES
from headrace.evals.table import read_rows
from headrace.lake.store import Lake

__all__ = ["LoadedScores", "Picks", "load"]

_PACKED = (".gz", ".zst")


class LoadedScores(msgspec.Struct, frozen=True, kw_only=True):
    """What the files held and what of it was new."""

    project: str
    suite: str
    files: int
    runs: int
    releases: tuple[str, ...]  # oldest first
    cases: int
    scores: int  # attempts in the files, each once
    absent: int  # of these without a value
    reasons: Mapping[str, int]  # why they have none -> how many
    copies: int  # rows or logs that stood there twice
    new_releases: tuple[str, ...]
    new_cases: int
    written: int  # scores that were new or had changed


def load(
    lake: Lake,
    project: str,
    files: Sequence[Path | str],
    *,
    suite: str,
    mapping: Picks | None = None,
    release: str | None = None,
    now: datetime,
) -> LoadedScores:
    """Load Inspect logs (`.eval`, `.json`) and rows (`.jsonl`, `.ndjson`, `.csv`, also packed).

    Loading the same files again changes nothing; all of a call is written or nothing.
    `mapping` tells where rows hold what, `release` names the release of all that is loaded.
    Raises ScoresRefused.
    """
    paths = [Path(file) for file in files]
    tables = [path for path in paths if _is_table(path)]
    logs = [path for path in paths if path not in tables]
    from_logs = read_logs(logs, release)
    from_rows, copies = read_rows(tables, mapping or Picks(), release, now)
    runs = [*from_logs, *from_rows]
    done = record(lake, project, suite, runs, now=now)
    attempts = [attempt for run in runs for attempt in run.attempts]
    return LoadedScores(
        project=project,
        suite=suite,
        files=len(paths),
        runs=len(runs),
        releases=_releases(runs),
        cases=len({attempt.case_id for attempt in attempts}),
        scores=len(attempts),
        absent=sum(attempt.value is None for attempt in attempts),
        reasons=reasons(attempts),
        copies=copies + len(logs) - len(from_logs),
        new_releases=done.new_releases,
        new_cases=done.new_cases,
        written=done.written,
    )


def _is_table(path: Path) -> bool:
    bare = path.with_suffix("") if path.suffix in _PACKED else path
    if bare.suffix in SUFFIXES:
        return True
    if path.suffix in (".eval", ".json"):
        return False
    raise ScoresRefused(
        f"{path}: the ending tells nothing about its format; there are: .eval and .json (Inspect "
        f"logs), {', '.join(SUFFIXES)}, each of these also with .gz or .zst"
    )


def _releases(runs: Sequence[Measured]) -> tuple[str, ...]:
    ordered = sorted(runs, key=lambda run: run.released_at)
    return tuple(dict.fromkeys(run.release for run in ordered))
