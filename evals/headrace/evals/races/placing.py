"""What a race came to: each candidate's place, what it cost and saved, and what may be claimed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from headrace.evals.race import Progress, Standing
from headrace.evals.races.racebook import Book
from headrace.evals.races.succession import Succession
from headrace.evals.scores.attempt import Attempt, reasons

_PLACES = Decimal("0.0001")  # of an estimate in USD


class Placing(Standing, frozen=True, kw_only=True):
    """A standing with what its answers cost, where that is known."""

    model: str | None
    cost_usd: Decimal | None  # of all its answers; no judge's
    cost_saved_usd: Decimal | None  # of the cases that it was not asked, at its mean cost
    reasons: Mapping[str, int]  # why scores are absent -> how many


class RaceResult(msgspec.Struct, frozen=True, kw_only=True):
    """A race that came to its end."""

    name: str
    project: str
    suite: str
    seed: int
    alpha: float
    level: float  # of each bound: alpha / candidates
    delta: float
    delta_assumed: bool  # nobody gave a delta
    cases: int  # of the full grid
    candidates: tuple[Placing, ...]
    incumbent: Placing | None
    leader: str | None
    succession: Succession | None
    calls: int  # cases asked, over all entrants
    grid: int  # the same if everybody were asked everything
    cost_usd: Decimal | None
    cost_saved_usd: Decimal | None
    recalled: int  # answers that an earlier, broken-off start had left
    folder: str  # of the plan and the Inspect logs

    @property
    def saved(self) -> float:
        """Share of the grid that was not asked."""
        return 1 - self.calls / self.grid


def result(book: Book, progress: Progress, *, delta_assumed: bool, recalled: int) -> RaceResult:
    """The sum of a finished race."""
    plan, race = book.plan, book.plan.race
    total = len(race.course.cases)
    candidates = tuple(_placing(book, standing, total) for standing in progress.standings)
    incumbent = _incumbent(book, progress, total)
    placings = [*candidates, *([incumbent] if incumbent else [])]
    return RaceResult(
        name=plan.name,
        project=plan.project,
        suite=plan.suite,
        seed=plan.seed,
        alpha=race.alpha,
        level=race.level,
        delta=race.delta,
        delta_assumed=delta_assumed,
        cases=total,
        candidates=candidates,
        incumbent=incumbent,
        leader=progress.leader,
        succession=progress.succession,
        calls=sum(placing.asked for placing in placings),
        grid=len(placings) * total,
        cost_usd=_sum([placing.cost_usd for placing in placings]),
        cost_saved_usd=_sum([placing.cost_saved_usd for placing in placings]),
        recalled=recalled,
        folder=str(book.folder),
    )


def _placing(book: Book, standing: Standing, total: int) -> Placing:
    given = book.answers[standing.name]
    asked = [given[c] for c in book.plan.race.course.cases[: standing.asked] if c in given]
    scored = [attempt for attempt in asked if attempt.value is not None]
    cost = _sum([attempt.cost_usd for attempt in scored])
    run = book.runs.get(standing.name)
    return Placing(
        **msgspec.structs.asdict(standing),
        model=run.model if run else None,
        cost_usd=cost,
        cost_saved_usd=_saved(cost, len(scored), total - standing.asked),
        reasons=reasons(asked),
    )


def _incumbent(book: Book, progress: Progress, total: int) -> Placing | None:
    name = book.plan.race.incumbent
    if name is None:
        return None
    asked = book.plan.race.course.cases[: progress.cases]
    values = [a.value for a in _given(book, name, asked) if a.value is not None]
    standing = Standing(
        name=name,
        state="incumbent",
        asked=progress.cases,
        absent=progress.cases - len(values),
        mean=sum(values) / len(values) if values else None,
        against=None,
        difference=None,
        stopped_at=None,
    )
    return _placing(book, standing, total)


def _given(book: Book, name: str, cases: Sequence[str]) -> list[Attempt]:
    given = book.answers[name]
    return [given[case] for case in cases if case in given]


def _saved(cost: Decimal | None, scored: int, spared: int) -> Decimal | None:
    """Nothing spared saves nothing, whatever an answer costs."""
    if not spared:
        return Decimal(0)
    return None if cost is None or not scored else (cost * spared / scored).quantize(_PLACES)


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    """Unknown as soon as one of them is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) and costs else None
