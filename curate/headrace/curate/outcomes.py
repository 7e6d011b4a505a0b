"""What the marks on an episode add up to: one policy, as a table one can read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.curate import ledger
from headrace.curate.step import StepResult
from headrace.lake.record import Decision, Resolution, Resolved, Source
from headrace.lake.statement import statements
from headrace.lake.store import Lake
from headrace.lake.threshold import Threshold

STEP = "resolve"
VERSION = "resolve/2"


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the policy."""

    source: Source
    because: str


# The first source with a decisive mark decides; those below it are not asked.
POLICY = (
    Rank(source="human", because="a reviewer looked at this very episode"),
    Rank(source="user", because="the person who asked knows whether it helped"),
    Rank(source="product", because="the product saw what came of it"),
    Rank(source="rule", because="a check that cannot tire, of what it can see"),
    Rank(source="judge", because="a model told what to look for"),
    Rank(source="model", because="the model's word on itself"),
)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome as far as it resolves an episode."""

    source: Source
    name: str
    at: datetime
    success: bool | None = None
    score: float | None = None
    corrected: bool = False

    @property
    def verdict(self) -> bool | None:
        """A correction says that what was said was wrong; a bare score says nothing yet."""
        return False if self.success is None and self.corrected else self.success


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of marks says; the resolution is None where no mark decides."""

    resolution: Resolution | None = None
    score: float | None = None
    resolved_by: Source | None = None


def rule(marks: Iterable[Mark]) -> Ruling:
    """What marks add up to, whatever their order.

    The highest source with a verdict decides. Within a source and name the later mark stands; if
    the marks that stand disagree, they conflict. The score is the deciding source's latest.
    """
    given = list(marks)
    for rank in POLICY:
        own = [mark for mark in given if mark.source == rank.source]
        verdicts = {mark.verdict for mark in _standing(own)}
        if verdicts:
            agreed: Resolution = "success" if verdicts == {True} else "failure"
            return Ruling(
                resolution=agreed if len(verdicts) == 1 else "conflicting",
                score=_score(own),
                resolved_by=rank.source,
            )
    scored = (_score(mark for mark in given if mark.source == rank.source) for rank in POLICY)
    return Ruling(score=next((score for score in scored if score is not None), None))


def resolve(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    waiting: timedelta,
    thresholds: Mapping[str, Threshold] = MappingProxyType({}),
) -> StepResult:
    """Resolve every current episode of a project by the marks that reached it so far.

    Without a decisive mark an episode is `pending` for `waiting` after its end, then `unmarked`.
    Marks may come before the episode or long after: each run resolves anew and writes changes only.
    A score is a success or failure where `thresholds` has a rule for its name; it stays a score.
    """
    sql = statements("headrace.curate")
    where = {"project": project}
    rows = lake.rows(sql["marks_of_episodes"], where)
    marks = _by_episode(rows, thresholds)
    resolved = [
        _resolved(row, marks.get(row["episode_id"], ()), now, waiting)
        for row in lake.rows(sql["episode_ends"], where)
    ]
    decided = [_decision(row) for row in resolved if row.resolution not in ("success", "failure")]
    ledger.commit(
        lake,
        [
            ledger.resolutions(lake, project, resolved),
            ledger.decisions(lake, project, STEP, decided),
        ],
    )
    return _result(resolved, decided, sum(row["episode_id"] is None for row in rows))


def _standing(marks: Iterable[Mark]) -> list[Mark]:
    """The verdicts that stand: the latest of each name, several where they came at once."""
    decisive = [mark for mark in marks if mark.verdict is not None]
    latest: dict[str, datetime] = {}
    for mark in decisive:
        latest[mark.name] = max(mark.at, latest.get(mark.name, mark.at))
    return [mark for mark in decisive if mark.at == latest[mark.name]]


def _score(marks: Iterable[Mark]) -> float | None:
    scored = [(mark.at, mark.name, mark.score) for mark in marks if mark.score is not None]
    return max(scored)[2] if scored else None


def graded(
    success: bool | None, score: float | None, *, corrected: bool, threshold: Threshold | None
) -> bool | None:
    """Success of a mark: as it says, else by the rule for its score; None: it says nothing.

    A score beside a correction needs no rule: what should have been said tells enough.
    """
    if success is not None or corrected or score is None or threshold is None:
        return success
    return threshold.passes(score)


def _by_episode(
    rows: Iterable[Mapping[str, Any]], thresholds: Mapping[str, Threshold]
) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        mark = Mark(
            source=row["source"],
            name=row["name"],
            at=row["at"],
            success=graded(
                row["success"],
                row["score"],
                corrected=row["corrected"],
                threshold=thresholds.get(row["name"]),
            ),
            score=row["score"],
            corrected=row["corrected"],
        )
        marks.setdefault(row["episode_id"], []).append(mark)
    return marks


def _resolved(
    row: Mapping[str, Any], marks: Sequence[Mark], now: datetime, waiting: timedelta
) -> Resolved:
    ruling = rule(marks)
    silent: Resolution = "unmarked" if now - row["ended_at"] > waiting else "pending"
    resolution = ruling.resolution or silent
    return Resolved(
        project=row["project"],
        episode_id=row["episode_id"],
        resolution=resolution,
        success={"success": True, "failure": False}.get(resolution),
        score=ruling.score,
        resolved_by=ruling.resolved_by,
        at=now,
    )


def _decision(row: Resolved) -> Decision:
    return Decision(
        project=row.project,
        step=STEP,
        version=VERSION,
        episode_id=row.episode_id,
        kept=False,
        reason=row.resolution,
        at=row.at,
    )


def _result(
    resolved: Sequence[Resolved], decided: Sequence[Decision], unmatched: int
) -> StepResult:
    dropped = StepResult.of(STEP, decided)
    return StepResult(
        step=STEP,
        seen=len(resolved),
        kept=len(resolved) - len(decided),
        dropped=dropped.dropped,
        notes={
            "success": sum(row.resolution == "success" for row in resolved),
            "failure": sum(row.resolution == "failure" for row in resolved),
            "unmatched_outcomes": unmatched,
        },
    )
