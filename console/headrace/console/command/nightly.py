"""`headrace nightly`: curate, evaluate, decide and export, now."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, progress, table
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from headrace.flows.night import Night


def nightly(
    project: Project = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="The time the night takes as its own; UTC unless said. Default: now."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for data sets. Default: datasets/ in the home.")
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Run the night now over all projects (or one): episodes, suite, trend, verdict, data sets."""
    from headrace.flows.nightly import run

    at = until and (until if until.tzinfo else until.replace(tzinfo=UTC)).astimezone(UTC)
    with progress("the night runs") as move:

        def watch(project: str, step: str, done: int, total: int) -> None:
            move(done, total, f"{project}: {step}")

        night = run(Settings.load(home), project=project, until=at, out=out, watch=watch)
    if json:
        print_json(night)
    else:
        show(night)
    if night.status == "failed":
        raise typer.Exit(1)


def show(night: "Night") -> None:
    """The night as one table per project."""
    for project in dict.fromkeys(line.project for line in night.lines):
        rows = [
            (line.step, line.state, line.seen, line.kept, _reasons(line.dropped), line.said)
            for line in night.lines
            if line.project == project
        ]
        page().print(table(project, ["step", "", "#seen", "#kept", "dropped", ""], rows))
        page().print()


def _reasons(dropped: object) -> str:
    counts = dict(dropped) if isinstance(dropped, dict) else {}
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
