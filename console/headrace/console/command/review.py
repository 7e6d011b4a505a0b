"""`headrace review`: episodes that people should look at, and how they agree."""

import getpass
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.console.known import must_know
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.console.review.plain import line
from headrace.lake import Lake
from headrace.lake.settings import Settings
from headrace.lake.statement import statements

if TYPE_CHECKING:
    from headrace.curate.review.item import Waiting
    from headrace.evals.reviewers import Part, Reviewing

NAME = 80  # characters of a reviewer's name


def review(
    project: Project = None,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Your name. Default: HEADRACE_REVIEWER, else that of your login."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List what is open, and leave.")] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Say how reviewers and votes agree, and leave.")
    ] = False,
    label: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="ITEM success|failure", help="Answer one item without a terminal, and leave."
        ),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Look at the episodes that teach most; a key says how each went, and why it is asked."""
    if listed + agreement + (label is not None) > 1:
        raise typer.BadParameter("give one of --list, --agreement, --label")
    if label is not None and label[1] not in ("success", "failure"):
        raise typer.BadParameter(f"--label says {label[1]!r}: give success or failure")
    sits = not (listed or agreement or json or label is not None)
    if sits and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter(
            "no terminal to review on: `headrace review --list` shows what is open, "
            "`--label ITEM success|failure` answers"
        )
    settings, name = Settings.load(home), project or "default"
    with Lake.open(settings=settings, create=False) as lake:
        must_know(lake, name)
        if agreement:
            _agreement(lake, name, json)
        elif label is not None:
            _label(lake, name, _reviewer(reviewer, settings), label, json)
        elif sits:
            _sit(lake, name, _reviewer(reviewer, settings))
        else:
            _list(lake, name, json)


def _sit(lake: Lake, project: str, reviewer: str) -> None:
    """Open the terminal interface where something is open."""
    from headrace.console.review.app import ReviewApp
    from headrace.console.review.session import Session
    from headrace.console.review.words import summary

    session = Session(lake, project, reviewer, lambda: datetime.now(UTC))
    if not session.items:
        page().print(_empty(lake, project, reviewer))
        return
    app = ReviewApp(session)
    app.run()
    page().print(summary(session.counts, len(session.open)))
    if app.return_code:
        raise typer.Exit(app.return_code)


def _list(lake: Lake, project: str, json: bool) -> None:
    from headrace.curate.review.item import waiting

    items = waiting(lake, project)
    if json:
        print_json(items)
    elif items:
        columns = ["item", "why", "release", "request"]
        page().print(table(f"{project}: open to review", columns, map(_row, items)))
    else:
        page().print(_empty(lake, project, None))


def _row(item: "Waiting") -> tuple[object, ...]:
    release = None if item.release is None else line(item.release, 20)
    return item.item_id, line(item.why, 80), release, line(item.request, 40)


def _label(lake: Lake, project: str, reviewer: str, label: tuple[str, str], json: bool) -> None:
    from headrace.curate.review.answer import Answer, answer, named

    item, said = label
    given = Answer(
        item_id=named(lake, project, item),
        reviewer=reviewer,
        action="success" if said == "success" else "failure",
    )
    found = answer(lake, project, given, now=datetime.now(UTC))
    if json:
        print_json(found)
    else:
        page().print(f"{found.item_id}: {found.action}, by {found.reviewer}")


def _agreement(lake: Lake, project: str, json: bool) -> None:
    from headrace.evals import reviewers

    found = reviewers.review(lake, project)
    if json:
        print_json({"reviewing": found, "words": found.words})
        return
    for part in _tables(found):
        page().print(part)
    page().print(found.words)


def _tables(found: "Reviewing") -> Iterator[Table]:
    if found.reviewers:
        yield table("reviewers", ["reviewer", "#labels"], list(found.reviewers.items()))
    columns = ["", "#items", "#agree", "#kappa", "#95 %"]
    both = [found.together, *found.pairs, *found.slices] if found.doubles else []
    for title, parts in (("two reviewers", both), ("reviewers and votes", found.votes)):
        if parts:
            yield table(f"\n{title}", columns, map(_agreed, parts))
    if found.calibration.bins:
        rows = [
            (percent(one.weight), f"{one.said:.2f}", f"{one.seen:.2f}")
            for one in found.calibration.bins
        ]
        yield table("\neven sample", ["#share", "#p said", "#p seen"], rows)


def _agreed(part: "Part") -> tuple[object, ...]:
    found = part.agreement
    if found is None:
        return line(part.name, 60), part.items, None, None, "too few"
    kappa = None if found.kappa is None else f"{found.kappa:.2f}"
    bounds = (
        "-" if found.low is None or found.high is None else f"{found.low:.2f} to {found.high:.2f}"
    )
    return line(part.name, 60), part.items, percent(found.agreement), kappa, bounds


def _reviewer(option: str | None, settings: Settings) -> str:
    """The name that stands beside every answer."""
    given = settings.reviewer if option is None else option
    try:
        name = line(getpass.getuser() if given is None else given, NAME)
    except (KeyError, OSError):  # nobody is logged in, as in a container
        name = ""
    if not name:
        raise typer.BadParameter("give your name: it stands beside every answer")
    return name


def _empty(lake: Lake, project: str, reviewer: str | None) -> str:
    """Why there is nothing to do, and what would change that."""
    [(items,)] = lake.sql(
        statements("headrace.curate.review", "review.sql")["picked"], {"project": project}
    ).fetchall()
    if items:
        who = f" to {reviewer}" if reviewer else ""
        return f"nothing is open{who} in {project!r}: `headrace nightly` fills the queue again"
    return f"no review queue in {project!r} yet: run `headrace nightly`, it fills one"
