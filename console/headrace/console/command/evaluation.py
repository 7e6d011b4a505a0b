"""`headrace eval`: the suite from production, runs, scores from elsewhere, the trend."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import cell, errors, page, percent, print_json, table
from headrace.lake import Lake

Suite = Annotated[str, typer.Option("--suite", help="Name of the suite.")]
Expression = Annotated[str | None, typer.Option(help="JMESPath over a row of a table.")]


def build(
    suite: Suite = "production", project: Project = None, home: Home = None, json: AsJson = False
) -> None:
    """Grow a suite from production: one case per request held out from training."""
    from headrace.evals import case

    with Lake.open(home, create=False) as lake:
        built = case.build(lake, project or "default", suite=suite, now=datetime.now(UTC))
    if json:
        print_json(built)
        return
    scorers = ", ".join(f"{count} {name}" for name, count in built.by_scorer.items())
    page().print(f"suite {suite}: {built.added} cases added, {built.kept} kept ({scorers or '-'})")
    if built.waiting:
        page().print(f"{built.waiting} requests wait for an episode that succeeded or failed")


def run(
    model: Annotated[str, typer.Option(help="Any Inspect model, as openai/gpt-4.1.")],
    release: Annotated[str, typer.Option(help="The release that this run measures.")],
    suite: Suite = "production",
    epochs: Annotated[int, typer.Option(min=1, help="Attempts per case.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many cases.")] = None,
    log_dir: Annotated[
        Path | None, typer.Option(help="Folder for Inspect logs. Default: logs/ in the home.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Put the cases of a suite to a model through Inspect and keep the scores."""
    from headrace.evals import run as runs

    with Lake.open(home, create=False) as lake, errors().status(Text(f"{model} answers {suite}")):
        ran = runs.run(
            lake,
            project or "default",
            suite=suite,
            model=model,
            release=release,
            epochs=epochs,
            limit=limit,
            log_dir=log_dir,
            now=datetime.now(UTC),
        )
    if json:
        print_json(ran)
        return
    said = f"{ran.scores} scores over {ran.cases} cases, mean {cell(ran.mean)}, {ran.absent} absent"
    page().print(f"run {ran.run_id} of {release}: {said}", soft_wrap=True)
    for reason, count in ran.reasons.items():
        page().print(f"{count} absent: {reason}", soft_wrap=True)
    if ran.left_out:
        page().print(f"{ran.left_out} cases have no target: only production can answer them")
    if ran.scores and ran.absent == ran.scores:
        raise typer.Exit(1)


def load(
    files: Annotated[list[Path], typer.Argument(help="Inspect .eval/.json logs, JSONL or CSV.")],
    suite: Suite = "production",
    release: Annotated[
        str | None, typer.Option(help="Release of all that is loaded. Default: as the file says.")
    ] = None,
    release_expr: Expression = None,
    case: Expression = None,
    value: Expression = None,
    epoch: Expression = None,
    run: Expression = None,
    scorer: Expression = None,
    slice_: Annotated[str | None, typer.Option("--slice", help="JMESPath.")] = None,
    cluster: Expression = None,
    at: Expression = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Bring in scores from elsewhere: Inspect logs, or rows with release, case_id and value."""
    from headrace.evals.load import load as load_scores
    from headrace.evals.picks import Picks

    picks = Picks(
        release=release_expr,
        case=case,
        value=value,
        epoch=epoch,
        run=run,
        scorer=scorer,
        slice=slice_,
        cluster=cluster,
        at=at,
    )
    with Lake.open(home) as lake, errors().status("loading scores"):
        loaded = load_scores(
            lake,
            project or "default",
            files,
            suite=suite,
            mapping=picks,
            release=release,
            now=datetime.now(UTC),
        )
    if json:
        print_json(loaded)
        return
    page().print(
        f"suite {suite}: {loaded.scores} scores over {loaded.cases} cases and "
        f"{len(loaded.releases)} releases, {loaded.absent} absent, {loaded.written} new"
    )
    for reason, count in loaded.reasons.items():
        page().print(f"{count} absent: {reason}", soft_wrap=True)


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
