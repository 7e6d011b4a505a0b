"""`headrace eval load`: scores from elsewhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import errors, page, print_json
from headrace.lake import Lake

Expression = Annotated[str | None, typer.Option(help="JMESPath over a row of a table.")]


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
