"""`headrace eval trend`: quality over the releases, with intervals."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.lake import Lake


def trend(
    suite: Suite = "production",
    scorer: Annotated[str | None, typer.Option(help="Default: the one with most releases.")] = None,
    delta: Annotated[
        float | None, typer.Option(min=0, max=1, help="The gain worth having, 0.03 if not given.")
    ] = None,
    chart: Annotated[Path | None, typer.Option(help="Write the chart here: .svg or .png.")] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Show the trend over releases with intervals, and what can be said of it."""
    from headrace.evals import trend as trends

    with Lake.open(home, create=False) as lake:
        found = trends.trend(
            lake, suite=suite, project=project or "default", scorer=scorer, delta=delta
        )
    if chart is not None:
        trends.save(found.chart(), chart)
    rows = found.frame.to_dicts()
    if json:
        print_json({"suite": suite, "releases": rows, "verdict": found.verdict})
        return
    cells = [
        (
            r["release"],
            r["cases"],
            percent(r["mean"]),
            f"{percent(r['low'])} to {percent(r['high'])}",
        )
        for r in rows
    ]
    columns = ["release", "#cases", "#mean", "#95 % interval"]
    page().print(table(f"{suite}, scorer {found.scorer.scorer}", columns, cells))
    page().print(found.words, markup=False)
