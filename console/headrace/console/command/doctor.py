"""`headrace doctor`: is this machine able, and does the traffic carry what training needs?"""

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from headrace.console.option import AsJson, Home
from headrace.console.page import errors, page, print_json, table
from headrace.lake import Lake
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from headrace.console.check import Check

LINES = 24  # of one check that people are shown; all are in --json
COLOUR = {"ok": "green", "look": "yellow", "fail": "red"}


def doctor(
    context: typer.Context,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Read dead letters once more, after an upgrade or a fix."),
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="With --replay: letters whose reason holds this text.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="With --replay: letters of this project. Default: all.")
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Check this machine and what has come in: content that is missing and the switch that brings
    it, defects and what helps, whether every completion is accounted for. Exit 1 where something
    stops work.
    """
    if context.invoked_subcommand is not None:
        return
    settings = Settings.load(home)
    if replay:
        _replay(settings, project, reason, json)
        return
    if reason is not None or project is not None:
        raise typer.BadParameter("--reason and --project pick the letters of --replay: add it")
    from headrace.console import check  # it needs all that the checks look at

    found = [check.check(name, settings) for name in check.CHECKS]
    if json:
        print_json(found)
    else:
        _show(found)
    if any(one.state == "fail" for one in found):
        raise typer.Exit(1)


def _show(found: Sequence["Check"]) -> None:
    """The checks, then what some of them found line by line, no word broken."""
    screen = page()
    rows = [(Text(one.state, COLOUR[one.state]), one.name, one.said) for one in found]
    screen.print(table("", ["", "", ""], rows))
    for one in found:
        if one.lines:
            screen.print(Text(f"\n{one.name}", "bold"))
        more = len(one.lines) - LINES
        for line in (*one.lines[:LINES], *([f"and {more:,} more, with --json"] * (more > 0))):
            screen.print(_wrapped(line, screen.width), soft_wrap=True)


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(
        line,
        width,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _replay(settings: Settings, project: str | None, reason: str | None, json: bool) -> None:
    from headrace.console.check import letter
    from headrace.ingest.replay import replay as replayed

    seen = 0

    def told(letters: int) -> None:
        nonlocal seen
        seen += letters
        status.update(f"replaying: {seen:,} dead letters")

    with (
        errors().status("replaying dead letters") as status,
        Lake.open(settings=settings, create=False) as lake,
    ):
        done = replayed(
            lake,
            clock=lambda: datetime.now(UTC),
            project=project,
            reason=reason,
            on_progress=told,
        )
    if json:
        print_json(done)
        return
    page().print(f"{done.replayed:,} dead letters are rows now, {done.left:,} remain")
    for row in done.remaining:
        page().print(letter(row), soft_wrap=True)
