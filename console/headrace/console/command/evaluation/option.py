"""The options that commands about a suite share."""

from pathlib import Path
from typing import Annotated

import typer

Suite = Annotated[str, typer.Option("--suite", help="Name of the suite.")]
Solver = Annotated[
    str | None, typer.Option(help="answer (one turn), or replay (tools answer as recorded).")
]
ScoredBy = Annotated[
    str | None, typer.Option(help="For all cases: a name, package.module:name, package/name.")
]
Grader = Annotated[str | None, typer.Option(help="Model that grades answers.")]
Rubric = Annotated[
    Path | None, typer.Option(help="File that says what a good answer is, for the grader.")
]
TimeLimit = Annotated[
    int | None,
    typer.Option(min=1, help="Seconds per attempt; more is a failure of the product."),
]
