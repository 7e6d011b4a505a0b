"""The options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer

Project = Annotated[
    str | None, typer.Option("--project", help="One product or workload. Default: see above.")
]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the lake. Default: HEADRACE_HOME, else ./.headrace."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
