"""`headrace eval race`: many candidates on growing shares of a suite."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.console.command.evaluation.option import (
    Grader,
    Rubric,
    ScoredBy,
    Solver,
    Suite,
    TimeLimit,
)
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import aside, errors, page, percent, print_json, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.race import Progress
    from headrace.evals.races.contender import Contender
    from headrace.evals.races.placing import Placing, RaceResult
    from headrace.evals.races.racebook import Plan


def race(
    candidates: Annotated[
        list[str],
        typer.Argument(
            metavar="CANDIDATE",
            help="Inspect models, or TOML files of candidates.",
            show_default=False,
        ),
    ],  # fmt: skip
    incumbent: Annotated[
        str | None, typer.Option(help="What they are to beat: a model, or a name in a file.")
    ] = None,
    suite: Suite = "production",
    delta: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, help="The gain worth having, 0.03 if not given. Below 0: loss."
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0, max=0.5, help="Chance of a wrong claim, over all candidates.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the cases.")] = 0,
    fresh: Annotated[
        float | None,
        typer.Option(min=0, max=0.9, help="Share of cases kept for the winner. Default: half."),
    ] = None,
    max_cases: Annotated[int | None, typer.Option(min=1, help="At most so many cases.")] = None,
    solver: Solver = None,
    scorer: ScoredBy = None,
    grader: Grader = None,
    rubric: Rubric = None,
    time_limit: TimeLimit = None,
    connections: Annotated[
        int | None, typer.Option(min=1, help="Attempts at once, per candidate.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask everything anew, whatever was answered before.")
    ] = False,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Find the best of many candidates, stopping the hopeless early. Takes up what broke off."""
    from headrace.evals.display.announcement import announcement
    from headrace.evals.races import racing
    from headrace.evals.runs.evaluation import Terms
    from headrace.evals.runs.setup import Setup, rubric_text

    entered, old = _entrants(candidates, incumbent)
    with Lake.open(home, create=False) as lake, aside():
        found = racing.race(
            lake,
            project or "default",
            suite=suite,
            candidates=entered,
            incumbent=old,
            rules=racing.Rules(delta=delta, alpha=alpha, seed=seed, fresh=fresh, limit=max_cases),
            setup=Setup(
                solver=solver, scorer=scorer, rubric=rubric_text(str(rubric)) if rubric else None
            ),
            terms=Terms(time_limit=time_limit, connections=connections),
            grader=grader,
            again=again,
            now=datetime.now(UTC),
            watch=_watch,
        )
    if json:
        print_json({"race": found, "saved": found.saved, "words": announcement(found)})
        return
    page().print(_table(found))
    page().print(announcement(found), soft_wrap=True)


def _entrants(
    candidates: list[str], incumbent: str | None
) -> tuple[list["Contender"], "Contender | None"]:
    """The candidates, without the incumbent if it is named among them."""
    from headrace.evals.races.contender import Contender, contenders

    found = contenders(candidates)
    if incumbent is None:
        return found, None
    named = [contender for contender in found if contender.name == incumbent]
    if not named and "/" not in incumbent:  # no model of Inspect is called so
        known = ", ".join(contender.name for contender in found)
        raise typer.BadParameter(
            f"--incumbent {incumbent!r} is none of the candidates ({known}) and no model, as "
            "openai/gpt-5: give it a table in a TOML file and name the file, too"
        )
    old = named[0] if named else Contender(name=incumbent, model=incumbent)
    return [contender for contender in found if contender.name != incumbent], old


def _watch(plan: "Plan", progress: "Progress", recalled: int) -> None:
    total = len(plan.race.course.cases)
    if not progress.cases:
        stand = f"; {recalled:,} answers stand and are not asked for again" if recalled else ""
        names = len(plan.race.candidates)
        errors().print(f"race {plan.name}: {names} candidates, {total:,} cases{stand}")
        return
    left = [s.name for s in progress.standings if s.stopped_at == progress.cases]
    still = len([name for name in progress.asking if name != plan.race.incumbent])
    parts = [
        f"{progress.cases:,} of {total:,} cases: {progress.leader or 'nobody'} leads",
        *([f"stopped: {', '.join(left)}"] if left else []),
        "the end" if progress.finished else f"{still} still asked",
    ]
    errors().print("; ".join(parts), soft_wrap=True)


def _table(found: "RaceResult") -> Table:
    columns = ["candidate", "state", "#cases", "#absent", "#mean", "#gain", "interval", "#cost, $"]
    rows = [*found.candidates, *([found.incumbent] if found.incumbent else [])]
    title = f"{found.suite}, race {found.name}"
    return table(title, columns, [tuple(_cells(found, row)) for row in rows])


def _cells(found: "RaceResult", row: "Placing") -> Iterator[object]:
    from headrace.evals.display.announcement import bounds
    from headrace.evals.display.wording import points

    yield from (row.name, row.state, row.asked, row.absent, percent(row.mean))
    if row.difference is None:
        yield from (None, None)
    else:
        against = "" if row.against == (found.incumbent and found.incumbent.name) else row.against
        interval = bounds(row.difference)
        yield points(row.difference.estimate)
        yield f"{interval} against {against}" if against else interval
    yield None if row.cost_usd is None else f"{row.cost_usd:.2f}"
