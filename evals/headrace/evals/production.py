"""The suite as production answered it: outcomes of each case's request, release by release."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any

from headrace.evals import case
from headrace.evals.errors import NothingToRun
from headrace.evals.scores.attempt import Attempt, Measured, Ran, ran
from headrace.evals.scores.fingerprint import config_hash
from headrace.evals.scores.recording import scores_of
from headrace.lake.message import digest, dump
from headrace.lake.record import Release, Score
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

_VALUES: Mapping[str, float] = MappingProxyType({"success": 1.0, "failure": 0.0})
_JUDGE = digest(case.OUTCOME)


def production(
    lake: Lake, project: str, *, suite: str = case.SUITE, now: datetime
) -> tuple[Ran, ...]:
    """One run per release seen in production: success is 1, failure 0, anything else absent.

    Epochs count the episodes of a case's request in the order of time. A run is rewritten only
    when outcomes changed, so this may run every night.
    Raises NothingToRun while the suite has no case from production.
    """
    if not any(item.request for item in case.cases(lake, project, suite)):
        raise NothingToRun(
            f"suite {suite!r} of project {project!r} has no case from production: run "
            f"`headrace eval build --project {project}` first"
        )
    rows = lake.rows(_sql()["production_episodes"], {"project": project, "suite": suite})
    by_release = groupby(rows, key=lambda row: str(row["release"]))
    replayed = [_replay(project, suite, name, list(group), now) for name, group in by_release]
    changed = _rewrite(lake, project, suite, replayed)
    return tuple(
        ran(item.run(project, suite, item.key), item.attempts, changed=item.key in changed)
        for item in replayed
    )


def _replay(
    project: str, suite: str, release: str, rows: Sequence[Mapping[str, Any]], now: datetime
) -> Measured:
    by_case = groupby(rows, key=lambda row: str(row["case_id"]))
    attempts = [
        _attempt(row, epoch) for _, group in by_case for epoch, row in enumerate(group, start=1)
    ]
    started = min((row["started_at"] for row in rows if row["started_at"]), default=now)
    return Measured(
        key="production_" + digest(dump([project, suite, release])),
        release=release,
        released_at=started,
        started_at=started,
        attempts=tuple(attempts),
        config_hash=config_hash(release, None, {}),
        judge_hash=_JUDGE,
    )


def _attempt(row: Mapping[str, Any], epoch: int) -> Attempt:
    value = _VALUES.get(row["resolution"])
    return Attempt(
        case_id=row["case_id"],
        scorer=case.OUTCOME,
        value=value,
        epoch=epoch,
        error=None if value is not None else f"outcome {row['resolution']}",
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        latency_ms=row["latency_ms"],
        cost_usd=row["cost_usd"],
    )


def _rewrite(lake: Lake, project: str, suite: str, replayed: Sequence[Measured]) -> set[str]:
    """Put the runs in the place of what stood there; the names of those that changed."""
    before = _standing(lake, project, suite)
    after = {item.key: [attempt.score(item.key) for attempt in item.attempts] for item in replayed}
    changed = {name for name, scores in after.items() if scores != before.get(name)}
    stale = sorted(changed | (before.keys() - after.keys()))
    again = [item for item in replayed if item.key in changed]

    def work(tx: Transaction) -> None:
        tx.run(_sql()["forget_scores"], {"runs": stale})
        tx.run(_sql()["forget_runs"], {"project": project, "runs": stale})
        tx.add_new("releases", [_release(project, r) for r in again], on=["project", "release"])
        tx.append("runs", [item.run(project, suite, item.key) for item in again])
        tx.append("scores", [score for item in again for score in after[item.key]])

    if stale:
        lake.write(work)
    return changed


def _standing(lake: Lake, project: str, suite: str) -> dict[str, list[Score]]:
    where = {"project": project, "suite": suite, "judge": _JUDGE}
    names = [row["run_id"] for row in lake.rows(_sql()["production_runs"], where)]
    before: dict[str, list[Score]] = {name: [] for name in names}
    for score in scores_of(lake, names):
        before[score.run_id].append(score)
    return before


def _release(project: str, item: Measured) -> Release:
    return Release(project=project, release=item.release, at=item.released_at)


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")
