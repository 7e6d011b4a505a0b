"""`headrace eval build`: the suite from production."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import counted, page, percent, print_json, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.case import Built
    from headrace.evals.coverage import Coverage, Share

SHOWN = 5  # intents without a case; --json has more


def build(
    suite: Suite = "production",
    size: Annotated[int, typer.Option(min=1, help="Cases that stand, at most.")] = 500,
    failures: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of requests that failed, where there is a choice."),
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Another one draws other requests.")] = 0,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Grow a suite from production: one case per request held out from training.

    Every live intent gets cases before any gets many. Cases that stand are never changed.
    """
    from headrace.evals import case, coverage

    name = project or "default"
    with Lake.open(home, create=False) as lake:
        built = case.build(
            lake,
            name,
            suite=suite,
            size=size,
            failures=failures,
            seed=seed,
            now=datetime.now(UTC),
        )
        covered = coverage.coverage(lake, name, suite)
    if json:
        print_json({**to_builtins(built), "coverage": covered})
        return
    for line in [*_built(built), *_covered(covered)]:
        page().print(line, soft_wrap=True)
    if covered.uncovered:
        rows = [
            (gap.intent, gap.episodes, percent(gap.of_traffic), gap.said[:40])
            for gap in covered.uncovered[:SHOWN]
        ]
        columns = ["intent", "#episodes", "#of traffic", "asked"]
        page().print(table("most asked without a case", columns, rows))


def _built(built: "Built") -> Iterator[str]:
    scorers = ", ".join(f"{count} {name}" for name, count in built.by_scorer.items())
    added = counted(built.added, "case")
    yield f"suite {built.suite}: {added} added, {built.kept} kept ({scorers or '-'})"
    if built.failed:
        yield f"{counted(built.failed, 'case')} whose request failed at least once"
    if built.waiting:
        yield f"{built.waiting} requests wait for an episode that succeeded or failed"
    if built.beyond:
        more = counted(built.beyond, "request")
        yield f"{more} more than the size leaves room for: --size takes them"
    if not (built.added or built.waiting or built.beyond):
        yield "every request held out has its case: more traffic brings more, or `eval promote`"


def _covered(covered: "Coverage") -> Iterator[str]:
    if not covered.intents:
        return
    yield f"cases for {_share(covered.any, covered)} in the last 30 days"
    yield f"{covered.enough.cases} or more for {_share(covered.enough, covered)}"
    if not covered.named:
        yield (
            "nobody named intents, so each is a group of equal requests: send metadata `intent`, "
            "and requests held out stand for those like them"
        )


def _share(share: "Share", covered: "Coverage") -> str:
    of = f"{share.intents} of {counted(covered.intents, 'live intent')}"
    return f"{of}, {percent(share.of_traffic)} of {counted(covered.episodes, 'episode')}"
