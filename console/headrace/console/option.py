"""The options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer


def _named(project: str | None) -> str | None:
    if project == "":
        raise typer.BadParameter("empty: an unset variable? Leave the option out for the default.")
    return project


Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        callback=_named,
        help="One product or workload. Default: all for nightly and status, else `default`.",
    ),
]
Reach = Annotated[
    str | None,
    typer.Option("--project", callback=_named, help="The one project. Default: every project."),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the lake. Default: HEADRACE_HOME, else ./.headrace."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
