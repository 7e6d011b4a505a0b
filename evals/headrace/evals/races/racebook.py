"""The book of a race, on disk: its plan and, as Inspect logs, every answer that was given.

The logs are the state. Nothing beside them says how far the race is, so nothing can disagree.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from headrace.curate.price import Prices
from headrace.evals.errors import EvalError, ScoresRefused
from headrace.evals.race import Race
from headrace.evals.runs.cost import priced
from headrace.evals.scores.attempt import Attempt, Measured
from headrace.evals.scores.log import headers, read_logs
from headrace.evals.statistics.contrast import Floats
from headrace.lake.message import digest, dump

PLAN = "race.json"


class RaceUnfit(EvalError):
    """What was measured so far does not fit what is asked now."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a race is, settled before its first question."""

    name: str
    project: str
    suite: str
    seed: int
    race: Race
    contents: tuple[str, ...]  # content hash of each case, in the order of the course
    started_at: datetime


class Book:
    """The plan of a race and its answers; one folder each."""

    def __init__(self, folder: Path, plan: Plan, prices: Prices) -> None:
        self.folder = folder
        self.plan = plan
        self._prices = prices
        self.answers: dict[str, dict[str, Attempt]] = {name: {} for name in plan.race.entrants}
        self.runs: dict[str, Measured] = {}  # the first of each entrant, for what it says of itself

    @classmethod
    def open(cls, folder: Path, prices: Prices) -> Self:
        """A race with what was answered before it broke off. Raises RaceUnfit."""
        try:
            plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
        except (OSError, msgspec.DecodeError) as error:
            raise RaceUnfit(
                f"{folder / PLAN} cannot be read: move the folder away, or race `--again`"
            ) from error
        book = cls(folder, plan, prices)
        book.add(_logs(folder))
        return book

    def save(self) -> None:
        """Put the plan on disk, before the first question."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"{PLAN}.new"
        fresh.write_bytes(msgspec.json.encode(self.plan))
        fresh.replace(self.folder / PLAN)  # a kill leaves a whole plan or none

    def add(self, files: Iterable[Path | str]) -> None:
        """Enter the answers in Inspect logs. Raises RaceUnfit."""
        for run in read_logs(files):
            if run.release in self.answers:
                self._enter(priced(run, self._prices))

    def scores(self) -> Mapping[str, Floats]:
        """Of each entrant, one per case of the course, NaN where absent or not asked."""
        cases = self.plan.race.course.cases
        return {
            name: np.array([_value(given.get(case)) for case in cases])
            for name, given in self.answers.items()
        }

    def missing(self, name: str, cases: Iterable[str]) -> tuple[str, ...]:
        """Cases that an entrant has still to be asked."""
        return tuple(case for case in cases if case not in self.answers[name])

    def forgive(self) -> None:
        """Entrants without one score in a round may answer it again: a key can be set right."""
        course = self.plan.race.course
        rounds = [course.cases[course.round(n)] for n in range(len(course.ends))]
        for name, given in self.answers.items():
            if any(all(c in given and given[c].value is None for c in cases) for cases in rounds):
                self.answers[name] = {case: a for case, a in given.items() if a.value is not None}

    def note(self, name: str, cases: Iterable[str], why: str) -> None:
        """Cases that were put to an entrant and left no trace in its log: absent scores."""
        scorer = next((a.scorer for a in self.answers[name].values()), "unknown")
        for case in self.missing(name, cases):
            absent = Attempt(case_id=case, scorer=scorer, value=None, error=why)
            self.answers[name][case] = absent

    def _enter(self, run: Measured) -> None:
        first = next(iter(self.runs.values()), run)
        if run.judge_hash != first.judge_hash:
            raise RaceUnfit(
                f"the scorer, its judge or a package has changed since race {self.plan.name} "
                "began, and scores of two scorers are not to be compared: race `--again`"
            )
        self.runs.setdefault(run.release, run)
        given = self.answers[run.release]
        for attempt in run.attempts:
            there = given.get(attempt.case_id)
            if there is not None and there.scorer != attempt.scorer and attempt.value is not None:
                raise RaceUnfit(
                    f"case {attempt.case_id!r} has scores of {there.scorer!r} and of "
                    f"{attempt.scorer!r}: a race needs a scorer that gives one"
                )
            if _counts(attempt, run.status) and (there is None or there.value is None):
                given[attempt.case_id] = attempt


def name_of(*parts: object) -> str:
    """A short name for a race: the same for the same question."""
    return digest(dump(list(parts)))[:12]


def _counts(attempt: Attempt, status: str) -> bool:
    """A score counts; its absence does once the round has ended, for a kill is no answer."""
    return attempt.value is not None or status in ("success", "error")


def _value(attempt: Attempt | None) -> float:
    return np.nan if attempt is None or attempt.value is None else attempt.value


def _logs(folder: Path) -> list[Path]:
    """Those that can be read: a kill may leave one that has no beginning yet."""
    found = []
    for file in sorted(folder.glob("*.eval")):
        try:
            list(headers([file]))
        except ScoresRefused:
            continue
        found.append(file)
    return found
