"""What the marks on an episode add up to: one policy, as a table one can read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate import ledger
from headrace.curate.labels.declared import declared
from headrace.curate.labels.poll import Poll, poll
from headrace.curate.labels.resolver import FAILURE, SUCCESS
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult, most_first
from headrace.lake.record import Resolution, Source
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction
from headrace.lake.threshold import Threshold

STEP = "resolve"
VERSION = "resolve/4"
MEMORY_MIB = 1_000  # that DuckDB may hold; of a million episodes the columns take as much again


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
    author: str | None = None

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
    """What marks add up to, whatever their order; `resolve` does the same for whole projects.

    The highest source with a verdict decides. Within a source and name the later mark stands; if
    the marks that stand disagree, they conflict. Of people this holds of each author, those without
    a name being one, and the majority of authors decides. The score is the latest of whoever
    decides.
    """
    given = list(marks)
    for rank in POLICY:
        own = [mark for mark in given if mark.source == rank.source]
        if any(mark.verdict is not None for mark in own):
            return Ruling(
                resolution=_majority(own),
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
    told: Progress = silent,
) -> StepResult:
    """Resolve every current episode of a project by the marks and votes that reached it so far.

    A mark of those who know, or marks alone, decide by the table of sources. Where Headrace itself
    asked rules or judges and nobody who knows has spoken, all witnesses together decide: from .9 on
    a success, up to .1 a failure; a single one decides alone. Without a verdict an episode is
    `pending` for `waiting` after its end, longer where a late outcome is awaited, then `unmarked`.
    Marks may come before the episode or long after: each run resolves anew and writes changes only.
    A score is a success or failure where `thresholds` has a rule for its name; it stays a score.
    """
    with lake.within(MEMORY_MIB):
        return _resolve(lake, project, now, waiting, thresholds, told)


def _resolve(
    lake: Lake,
    project: str,
    now: datetime,
    waiting: timedelta,
    thresholds: Mapping[str, Threshold],
    told: Progress,
) -> StepResult:
    terms = declared(lake.settings, project)
    told(0, 3)
    polled = poll(lake, project, terms=terms, thresholds=thresholds)
    told(1, 3)
    wanted = _wanted(lake, project, polled, now, max(waiting, terms.longest_window))
    told(2, 3)
    decided = _decided(wanted, project, now)

    def write(tx: Transaction) -> None:
        within = {"project": project}
        tx.settle("resolutions", wanted, on=["project", "episode_id"], within=within)
        ledger.decided(tx, project, STEP, decided)

    lake.write(write)
    told(3, 3)
    return _result(wanted, polled)


def _wanted(lake: Lake, project: str, polled: Poll, now: datetime, waiting: timedelta) -> pa.Table:
    """Rows of `resolutions` as they should stand."""
    given = {
        "project": project,
        "now": now,
        "since": now - waiting,
        "success": SUCCESS,
        "failure": FAILURE,
    }
    tables = {"rulings": polled.rulings, "weighed": polled.weighed}
    return lake.table(statements("headrace.curate")["resolved"], given, tables)


def _decided(wanted: pa.Table, project: str, now: datetime) -> pa.Table:
    """Why episodes have no label, as rows of `decisions`."""
    open_ = wanted.filter(pc.is_null(wanted["success"]))
    count = len(open_)
    return pa.table(
        {
            "project": pa.repeat(project, count),
            "step": pa.repeat(STEP, count),
            "version": pa.repeat(VERSION, count),
            "episode_id": open_["episode_id"],
            "kept": pa.repeat(False, count),
            "reason": open_["resolution"],
            "at": pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), count),
        }
    )


def _result(wanted: pa.Table, polled: Poll) -> StepResult:
    counts = {
        str(row["values"]): int(row["counts"])
        for row in pc.value_counts(wanted["resolution"]).to_pylist()
    }
    labelled = {name: counts.pop(name, 0) for name in ("success", "failure")}
    return StepResult(
        step=STEP,
        seen=len(wanted),
        kept=sum(labelled.values()),
        dropped=most_first(counts),
        notes={
            **labelled,
            "unmatched_outcomes": polled.marks["episode_id"].null_count,
        },
    )


def _majority(marks: Iterable[Mark]) -> Resolution:
    """What most speakers of a source say; one whose own words disagree says both."""
    speakers: defaultdict[str | None, list[Mark]] = defaultdict(list)
    for mark in marks:
        speakers[mark.author if mark.source == "human" else None].append(mark)
    said = [{mark.verdict for mark in _standing(own)} for own in speakers.values()]
    margin = sum((True in words) - (False in words) for words in said)
    return "conflicting" if margin == 0 else "success" if margin > 0 else "failure"


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
