"""Measured runs into the lake: once, however often their files come."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.evals.scores.attempt import Attempt, Measured
from headrace.evals.scores.edition import base, known_by, settle
from headrace.lake.message import digest, dump
from headrace.lake.record import Case, Release, Run, Score
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

Key = tuple[str, str, int, str]  # run, case, epoch, scorer


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The runs as rows, and what recording them changed."""

    runs: tuple[Run, ...]
    new_releases: tuple[str, ...]
    new_cases: int
    written: int  # scores that were new or had changed
    edited: tuple[str, ...] = ()  # new cases that ask something else under an id that was known


def record(
    lake: Lake,
    project: str,
    suite: str,
    measured: Sequence[Measured],
    *,
    now: datetime,
    by_id: bool = False,
) -> Recorded:
    """Write releases, cases, runs and scores that are new or differ, in one transaction.

    A value already there is never replaced by an absent one. One log loaded into two suites
    is two runs. A case that asks something else than it did is a new one, unless cases are taken
    `by_id` alone.
    """
    known = _known_cases(lake, project, suite)
    settled = settle(measured, known, by_id=by_id)
    names = [digest(dump([project, suite, item.key])) for item in settled.runs]
    named = list(zip(names, settled.runs, strict=True))
    standing = _runs(lake, project, names)
    runs = [_merged(item.run(project, suite, name), standing.get(name)) for name, item in named]
    news = [run for run in runs if run != standing.get(run.run_id)]
    releases = _new_releases(lake, project, measured)
    cases = [_named_only(project, suite, item, now) for item in settled.new.values()]
    there = {_key(score): score for score in scores_of(lake, list(standing))}
    rows = [attempt.score(name) for name, item in named for attempt in item.attempts]
    scores = [row for row in rows if _is_news(row, there.get(_key(row)))]
    stale = _stale(there, rows)

    def work(tx: Transaction) -> None:
        tx.add_new("releases", releases, on=["project", "release"])
        tx.add_new("cases", cases, on=["project", "suite", "case_id"])
        tx.upsert("runs", news, on=["project", "run_id"])
        if stale:
            tx.run(_sql()["forget_attempts"], _columns(stale))
        tx.upsert("scores", scores, on=["run_id", "case_id", "epoch", "scorer"])

    if releases or cases or news or scores or stale:
        lake.write(work)
    return Recorded(
        runs=tuple(runs),
        new_releases=tuple(release.release for release in releases),
        new_cases=len(cases),
        written=len(scores),
        edited=settled.edited,
    )


def scores_of(lake: Lake, run_ids: Sequence[str]) -> list[Score]:
    """The scores of some runs as they stand in the lake, by run, case, scorer and epoch."""
    return [Score(**row) for row in lake.rows(_sql()["scores"], {"runs": list(run_ids)})]


def _runs(lake: Lake, project: str, names: Sequence[str]) -> dict[str, Run]:
    rows = lake.rows(_sql()["runs"], {"project": project, "runs": list(names)})
    return {row["run_id"]: Run(**row) for row in rows}


def _merged(run: Run, there: Run | None) -> Run:
    """A copy of a log lies elsewhere and rows are loaded later: where and when it was stays."""
    if there is None:
        return run
    # a copy made while the run went on tells nothing that its end has not told
    status = there.status if run.status == "started" else run.status
    kept = {"started_at": there.started_at, "log_uri": there.log_uri, "status": status}
    return msgspec.structs.replace(run, **kept)


def _new_releases(lake: Lake, project: str, measured: Iterable[Measured]) -> list[Release]:
    rows = lake.rows(_sql()["releases"], {"project": project})
    known = {row["release"] for row in rows}
    first: dict[str, Release] = {}
    for item in sorted(measured, key=lambda item: item.released_at):
        if item.release not in known | first.keys():
            first[item.release] = Release(
                project=project,
                release=item.release,
                at=item.released_at,
                kind="given",
                model=item.model,
            )
    return list(first.values())


def _known_cases(lake: Lake, project: str, suite: str) -> dict[str, str]:
    rows = lake.rows(_sql()["known_cases"], {"project": project, "suite": suite})
    return {row["case_id"]: row["content_hash"] for row in rows}


def _named_only(project: str, suite: str, attempt: Attempt, now: datetime) -> Case:
    """A case known by its name alone: the question stays empty, nothing is made up."""
    question = dump({"messages": [], "tools": None})
    return Case(
        project=project,
        suite=suite,
        case_id=attempt.case_id,
        input=question,
        scorer=attempt.scorer,
        slice=attempt.slice,
        cluster=attempt.cluster,
        content_hash=known_by(attempt.content) or digest(dump([question, attempt.case_id])),
        added_at=now,
        origin=dump({"from": "scores"}),
    )


def _stale(there: Iterable[Key], rows: Iterable[Score]) -> list[Key]:
    """Attempts that stand under another edition's id: the same files were loaded otherwise."""
    keys = {_key(row) for row in rows}
    placed = {(run, base(case), epoch, scorer) for run, case, epoch, scorer in keys}
    gone = (key for key in there if key not in keys)
    return sorted(key for key in gone if (key[0], base(key[1]), *key[2:]) in placed)


def _columns(keys: Iterable[Key]) -> Mapping[str, object]:
    runs, cases, epochs, scorers = map(list, zip(*keys, strict=True))
    return {"runs": runs, "cases": cases, "epochs": epochs, "scorers": scorers}


def _is_news(row: Score, there: Score | None) -> bool:
    if there is None:
        return True
    return row != there and not (row.value is None and there.value is not None)


def _key(score: Score) -> Key:
    return score.run_id, score.case_id, score.epoch, score.scorer


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals.scores", "recording.sql")
