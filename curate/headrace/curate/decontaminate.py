"""Keeps what could give an eval case away out of training; the suite comes first."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.curate import ledger, unit
from headrace.curate.contamination import Document, Item, Match, Matcher
from headrace.curate.conversation import Conversation, conversations
from headrace.curate.split import METHOD, QUARANTINED
from headrace.curate.step import StepResult
from headrace.lake.record import Case, Decision
from headrace.lake.statement import statements
from headrace.lake.store import Lake

STEP = "decontaminate"
VERSION = f"decontaminate/1 {unit.NORM}"
CLEAN = "clean"


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that gives a case away."""

    episode_id: str
    case_id: str
    rule: str  # exact, group, ngram
    similarity: float | None  # share of the case's words that the episode covers

    @property
    def reason(self) -> str:
        return f"contaminated:{self.rule}"


def decontaminate(lake: Lake, project: str, *, now: datetime) -> StepResult:
    """Decide for every episode whether it may be trained on, against all cases in use."""
    episodes = conversations(lake, project)
    suite = _Suite(lake, project, _live(lake, project))
    found = {leak.episode_id: leak for leak in suite.leaks(episodes)}
    quarantined = _quarantined(lake, project)
    decided = [
        quarantined.get(episode.episode_id)
        or _decision(suite, episode, found.get(episode.episode_id), now)
        for episode in episodes
    ]
    ledger.commit(lake, [ledger.decisions(lake, project, STEP, decided)])
    return StepResult.of(STEP, decided, {"cases": len(suite.cases)})


def leaks(lake: Lake, project: str, episode_ids: Collection[str]) -> list[Leak]:
    """What is wrong with episodes about to be exported, found anew without trusting a decision."""
    asked = set(episode_ids)
    found = _Suite(lake, project, _live(lake, project)).leaks(conversations(lake, project))
    return [leak for leak in found if leak.episode_id in asked]


def given_away(lake: Lake, project: str, cases: Iterable[Case]) -> list[Leak]:
    """The episodes that give away these cases, which the lake need not have yet."""
    suite = _Suite(lake, project, [_case(msgspec.structs.asdict(case)) for case in cases])
    return suite.leaks(conversations(lake, project))


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    origin: str | None
    item: Item


class _Suite:
    """The cases in use or given, and how the project's groups lie to them."""

    def __init__(self, lake: Lake, project: str, cases: Sequence[_Case]) -> None:
        sql, where = statements("headrace.curate"), {"project": project}
        clusters = lake.rows(sql["standing_clusters"], {**where, "method": METHOD})
        groups = lake.rows(sql["standing_splits"], where)
        self.project = project
        self.cases = cases
        self._group_of = {row["episode_id"]: row["cluster_id"] for row in clusters}
        self._split_of = {row["group_id"]: row["split"] for row in groups}
        self._origins = {
            self._group_of[case.origin]: case.case_id
            for case in reversed(self.cases)
            if case.origin in self._group_of
        }

    def is_eval(self, episode_id: str) -> bool:
        return self._split_of.get(self._group_of.get(episode_id, "")) == "eval"

    def leaks(self, episodes: Sequence[Conversation]) -> list[Leak]:
        """The episodes that give a case away, each with the plainest reason."""
        documents = [_document(e, self._group_of.get(e.episode_id)) for e in episodes]
        matches = Matcher(case.item for case in self.cases).matches(documents)
        found = (self._leak(e.episode_id, matches.get(e.episode_id)) for e in episodes)
        return [leak for leak in found if leak is not None]

    def _leak(self, name: str, match: Match | None) -> Leak | None:
        origin = self._origins.get(self._group_of.get(name, ""))
        if origin is not None and (match is None or match.rule != "exact"):
            return Leak(episode_id=name, case_id=origin, rule="group", similarity=None)
        if match is None:
            return None
        return Leak(
            episode_id=name,
            case_id=match.case_id,
            rule=match.rule,
            similarity=match.similarity,
        )


def _live(lake: Lake, project: str) -> list[_Case]:
    rows = lake.rows(statements("headrace.curate")["live_cases"], {"project": project})
    return [_case(row) for row in rows]


def _case(row: Mapping[str, Any]) -> _Case:
    messages = json.loads(row["input"])["messages"]
    return _Case(
        case_id=row["case_id"],
        origin=row["origin_episode_id"],
        item=Item.of(row["case_id"], messages),
    )


def _document(episode: Conversation, group: str | None) -> Document:
    name = episode.episode_id
    return Document.of(name, group or name, episode.request, episode.messages)


def _quarantined(lake: Lake, project: str) -> dict[str, Decision]:
    where = {"project": project, "reason": QUARANTINED}
    rows = lake.rows(statements("headrace.curate")["quarantined"], where)
    return {row["episode_id"]: Decision(**row) for row in rows}


def _decision(suite: _Suite, episode: Conversation, leak: Leak | None, now: datetime) -> Decision:
    name = episode.episode_id
    reason = "eval_split" if suite.is_eval(name) else leak.reason if leak else CLEAN
    blamed = None if reason == "eval_split" else leak
    return Decision(
        project=suite.project,
        step=STEP,
        version=VERSION,
        episode_id=name,
        kept=reason == CLEAN,
        reason=reason,
        because_of=blamed.case_id if blamed else None,
        similarity=blamed.similarity if blamed else None,
        at=now,
        revision=episode.revision,
    )
