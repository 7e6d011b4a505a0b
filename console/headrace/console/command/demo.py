"""`headrace demo`: the whole wheel on bundled real traces."""

import os
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
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read where the hub's client is imported

    from headrace.console import rehearsal, report

    with errors().status("starting the sidecar") as status:
        played = rehearsal.play(out, now=datetime.now(UTC), told=status.update)
        status.update("writing the report")
        written = report.write(played, out)
    if json:
        print_json(written)
    else:
        report.show(written, page())
