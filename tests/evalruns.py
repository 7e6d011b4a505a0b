"""Runs of a suite by hand, written into a lake as the commands would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from headrace.lake.record import Case, Release, Run, Score
from headrace.lake.store import Lake

T0 = datetime(2026, 10, 1, 12, tzinfo=UTC)


def run(
    lake: Lake,
    project: str,
    release: str,
    values: Sequence[float | None],
    *,
    started_at: datetime = T0,
    status: str = "success",
    config_hash: str | None = None,
    scorer: str = "exact",
    judge: str | None = None,
    suite: str = "refunds",
) -> None:
    """One more run of a suite, case-0000 onward, one attempt each."""
    name = f"{project}-{suite}-{release}-{scorer}-{judge}-{started_at:%m%dT%H%M}"
    made = Run(
        project=project,
        run_id=name,
        suite=suite,
        release=release,
        started_at=started_at,
        status=status,
        config_hash=config_hash,
        judge_hash=judge,
    )
    scores = [
        Score(run_id=name, case_id=f"case-{i:04}", epoch=1, scorer=scorer, value=value)
        for i, value in enumerate(values)
    ]
    lake.write(lambda tx: (tx.append("runs", [made]), tx.append("scores", scores)))


def released(lake: Lake, project: str, *names: str) -> None:
    rows = [
        Release(project=project, release=name, at=T0 + timedelta(days=i))
        for i, name in enumerate(names)
    ]
    lake.write(lambda tx: tx.append("releases", rows))


def case(
    project: str,
    name: str,
    content: str,
    added: datetime,
    *,
    cluster: str | None = None,
    retired_at: datetime | None = None,
    slice: str | None = None,
) -> Case:
    return Case(
        project=project,
        suite="refunds",
        case_id=name,
        input="{}",
        scorer="exact",
        content_hash=content,
        added_at=added,
        cluster=cluster,
        slice=slice,
        retired_at=retired_at,
    )
