"""`headrace demo`: the whole wheel on bundled real traces."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.console.option import AsJson
from headrace.console.page import errors, page, print_json


def demo(
    out: Annotated[Path, typer.Option(help="Folder for what the demo leaves.")] = Path("demo-out"),
    json: AsJson = False,
) -> None:
    """Turn the whole wheel on 260 bundled real agent runs: minutes, no key, no network."""
    from headrace.console import rehearsal, report

    with errors().status("starting the sidecar") as status:
        played = rehearsal.play(out, now=datetime.now(UTC), told=status.update)
        status.update("writing the report")
        written = report.write(played, out)
    if json:
        print_json(written)
    else:
        report.show(written, page())
