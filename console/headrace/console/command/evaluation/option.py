"""The options that commands about a suite share."""

from typing import Annotated

import typer

Suite = Annotated[str, typer.Option("--suite", help="Name of the suite.")]
