"""`headrace eval retire`: cases out of use."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import counted, page, print_json
from headrace.lake import Lake


def retire(
    cases: Annotated[list[str], typer.Argument(help="Ids of cases.")],
    suite: Suite = "production",
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Take cases out of use: their old scores stay, releases are compared over the others."""
    from headrace.evals import case

    with Lake.open(home, create=False) as lake:
        done = case.retire(lake, project or "default", cases, suite=suite, now=datetime.now(UTC))
    if json:
        print_json(done)
        return
    gone, before = counted(len(done.retired), "case"), len(done.before)
    said = f", {before} had been before" if before else ""
    page().print(f"suite {suite}: {gone} retired{said}; {done.standing} stand")
