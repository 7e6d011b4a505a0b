"""`headrace dataset recipe`: what decides which rows a data set has, as a file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.console.option import AsJson
from headrace.console.page import print_json


def recipe(
    start: Annotated[
        str, typer.Argument(help="sft, kto, dpo, rm or rl; or the folder of a data set.")
    ],
    json: AsJson = False,
) -> None:
    """Print a recipe as TOML: one to start from, or the one that a data set was built with."""
    from headrace.exporters import preset
    from headrace.exporters.manifest import Manifest
    from headrace.exporters.objective import objective

    known = Path(start).is_dir() and start not in preset.PRESETS
    found = Manifest.load(Path(start)).recipe if known else preset.PRESETS[objective(start)]
    if json:
        print_json(found.said)
    else:
        typer.echo(preset.page(found), nl=False)
