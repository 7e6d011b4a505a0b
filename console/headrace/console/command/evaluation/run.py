"""`headrace eval run`: a suite put to a model."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import cell, errors, page, print_json
from headrace.lake import Lake


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
