"""`headrace eval load`: scores from elsewhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, progress
from headrace.lake import Lake

Expression = Annotated[str | None, typer.Option(help="JMESPath over a row of a table.")]


def load(
    files: Annotated[
        list[Path], typer.Argument(help="Inspect .eval/.json logs, folders of them, JSONL or CSV.")
    ],
    suite: Suite = "production",
    release: Annotated[
        str | None, typer.Option(help="Release of all that is loaded. Default: as the file says.")
    ] = None,
    release_expr: Expression = None,
    case: Expression = None,
    value: Expression = None,
    passing: Annotated[
        list[str] | None, typer.Option("--pass", help="A word that means 1; may be repeated.")
    ] = None,
    failing: Annotated[
        list[str] | None, typer.Option("--fail", help="A word that means 0; may be repeated.")
    ] = None,
    epoch: Expression = None,
    run: Expression = None,
    scorer: Expression = None,
    slice_: Annotated[str | None, typer.Option("--slice", help="JMESPath.")] = None,
    cluster: Expression = None,
    at: Expression = None,
    content: Annotated[
        str | None, typer.Option(help="JMESPath: what a case asks; changed, it is another case.")
    ] = None,
    by_id: Annotated[
        bool, typer.Option("--by-id", help="Cases are the same by their id, whatever they ask.")
    ] = False,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Bring in scores from elsewhere: Inspect logs, or rows with release, case_id and value."""
    from headrace.evals.load import load as load_scores
    from headrace.evals.scores.picks import Picks

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
        content=content,
        passing=tuple(passing or ()),
        failing=tuple(failing or ()),
    )
    with Lake.open(home) as lake, progress("loading scores") as tick:
        loaded = load_scores(
            lake,
            project or "default",
            files,
            suite=suite,
            mapping=picks,
            release=release,
            by_id=by_id,
            now=datetime.now(UTC),
            progress=tick,
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
    for note in loaded.notes:
        page().print(note, soft_wrap=True)
