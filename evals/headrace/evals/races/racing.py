"""A race run through Inspect, into the lake: begun, taken up where it broke off, or recalled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from inspect_ai.model import Model

from headrace.curate.price import Prices
from headrace.evals import case
from headrace.evals.errors import EvalError
from headrace.evals.race import Progress, Race
from headrace.evals.races.contender import Contender
from headrace.evals.races.course import Course, fresh_share
from headrace.evals.races.placing import RaceResult, result
from headrace.evals.races.racebook import PLAN, Book, Plan, name_of
from headrace.evals.races.steward import Steward, Watch
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.model import judge_of
from headrace.evals.runs.setup import Setup
from headrace.evals.suite import runnable
from headrace.lake.record import Case
from headrace.lake.store import Lake

ASSUMED_DELTA = 0.03  # three points: only where nobody said what a gain is worth


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a race is about, beside who enters it. Raises EvalError."""

    delta: float | None = None  # None: 0.03 is assumed, and said to be
    alpha: float = 0.05
    seed: int = 0
    fresh: float | None = None  # share of the cases held back; None: half, if there are 100
    limit: int | None = None  # at most so many cases

    def __post_init__(self) -> None:
        if self.fresh is not None and not 0 <= self.fresh < 1:
            raise EvalError(f"fresh = {self.fresh}: a share of the cases, from 0 to below 1")


def race(
    lake: Lake,
    project: str,
    *,
    suite: str = case.SUITE,
    candidates: Sequence[Contender],
    incumbent: Contender | None = None,
    rules: Rules | None = None,
    setup: Setup | None = None,
    terms: Terms | None = None,
    grader: str | Model | None = None,
    again: bool = False,
    now: datetime,
    watch: Watch | None = None,
) -> RaceResult:
    """Run the candidates over growing shares of a suite until it is clear who is best.

    The same call takes a race up that broke off, and gives the result of one that has ended
    without asking anybody; `again` begins anew. `watch` is told after every round.
    Raises NoRace, CourseTooShort, RaceUnfit, RaceStopped, IncumbentUnmeasured, and what a run
    raises: NothingToRun, ModelUnusable, RunFailed and the like.
    """
    rules, setup, terms = rules or Rules(), setup or Setup(), terms or Terms()
    if terms.epochs != 1 or terms.limit is not None:
        raise EvalError("a race asks each case once; how many cases is a rule of the race")
    entrants = [*candidates, *([incumbent] if incumbent else [])]
    name = name_of(
        [project, suite, msgspec.to_builtins(rules), msgspec.to_builtins(setup), str(grader)],
        sorted((contender.name, contender.identity) for contender in candidates),
        (incumbent.name, incumbent.identity) if incumbent else None,
    )
    folder = _folder(lake.settings.home / "races", name, again=again)
    cases = {item.case_id: item for item in runnable(lake, project, suite, setup)}
    prices = Prices.load(lake.settings)
    if (folder / PLAN).exists():
        book = Book.open(folder, prices)
    else:
        plan = _plan(folder.name, cases, candidates, incumbent, rules, now)
        book = Book(folder, plan, prices)
    steward = Steward(lake, book, entrants, terms, judge_of(grader) if grader else None)
    progress = steward.run(cases, setup, watch or _nobody)
    return result(book, progress, delta_assumed=rules.delta is None, recalled=steward.recalled)


def _folder(races: Path, name: str, *, again: bool) -> Path:
    """Of the newest race by this name, or of the next one."""
    count = 1
    while (races / _numbered(name, count + 1)).exists():
        count += 1
    begun = (races / _numbered(name, count)).exists()
    return races / _numbered(name, count + 1 if again and begun else count)


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name}-{count}"


def _plan(
    name: str,
    cases: Mapping[str, Case],
    candidates: Sequence[Contender],
    incumbent: Contender | None,
    rules: Rules,
    now: datetime,
) -> Plan:
    fresh = 0.0 if incumbent is None else rules.fresh
    if fresh is None:
        fresh = fresh_share(min(len(cases), rules.limit or len(cases)))
    course = Course.draw(
        {item.case_id: item.cluster or item.case_id for item in cases.values()},
        np.random.default_rng(rules.seed),
        fresh=fresh,
        limit=rules.limit,
    )
    one = next(iter(cases.values()))
    return Plan(
        name=name,
        project=one.project,
        suite=one.suite,
        seed=rules.seed,
        race=Race(
            candidates=tuple(contender.name for contender in candidates),
            incumbent=incumbent.name if incumbent else None,
            course=course,
            delta=ASSUMED_DELTA if rules.delta is None else rules.delta,
            alpha=rules.alpha,
        ),
        contents=tuple(cases[name].content_hash for name in course.cases),
        started_at=now,
    )


def _nobody(plan: Plan, progress: Progress, recalled: int) -> None:
    """Watches."""
