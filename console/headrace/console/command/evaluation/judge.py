"""`headrace eval judge`: a judge on trial against people's labels."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.judge import JudgeTrial
    from headrace.evals.judges.agreement import Agreement


def judge(
    suite: Suite = "production",
    judge: Annotated[
        str | None, typer.Option(help="Scorer on trial. Default: the one with most releases.")
    ] = None,
    human: Annotated[str, typer.Option(help="Scorer under which people's labels stand.")] = "human",
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Say whether a judge agrees with people well enough to feed a verdict; 1 if it does not."""
    from headrace.evals.judge import try_judge

    with Lake.open(home, create=False) as lake:
        found = try_judge(lake, suite=suite, project=project or "default", judge=judge, human=human)
    if json:
        print_json({"trial": found, "words": found.words})
    else:
        for part in _tables(found):
            page().print(part)
        page().print(found.words)
    if not found.trusted:
        raise typer.Exit(1)


def _tables(found: "JudgeTrial") -> Iterator[Table]:
    if found.agreement is None:
        return
    columns = ["", "#labels", "#agree", "#kappa", "#95 %", "#of passes", "#95 %", "#of failures"]
    rows = [_row("all", found.agreement)]
    rows += [_row(part.name, part.agreement) for part in found.slices]
    yield table(f"{found.suite}: {found.judge} against {found.human}", [*columns, "#95 %"], rows)
    rates = [
        (
            part.release or "all",
            part.rate.labels,
            part.rate.labels + part.rate.judged,
            percent(part.rate.judge),
            percent(part.rate.mean),
            f"{percent(part.rate.low)} to {percent(part.rate.high)}",
        )
        for part in found.anchored
    ]
    heads = ["release", "#labels", "#judged", "#judge alone", "#human-anchored", "#95 % interval"]
    yield table("pass rate", heads, rates)


def _row(name: str, found: "Agreement") -> tuple[object, ...]:
    kappa = None if found.kappa is None else f"{found.kappa:.2f}"
    low, high = found.low, found.high
    return (
        name,
        found.n,
        percent(found.agreement),
        kappa,
        None if low is None or high is None else f"{low:.2f} to {high:.2f}",
        *(
            cell
            for share in (found.sensitivity, found.specificity)
            for cell in (
                ("-", "-")
                if share is None
                else (percent(share.mean), f"{100 * share.low:.0f} to {100 * share.high:.0f}")
            )
        ),
    )
