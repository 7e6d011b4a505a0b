"""`headrace intents`: what people ask for, how often, how well it goes, and who tests it."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.lake import Lake
from headrace.lake.settings import Settings
from headrace.lake.statement import statements

if TYPE_CHECKING:  # numpy and Polars stand behind it: the command line starts without them
    from headrace.evals.drift import Drift

SHOWN = 30

Most = Annotated[int, typer.Option("--most", help="Rows that are shown.", min=1)]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An intent as it is shown."""

    drift: "Drift"
    terms: tuple[str, ...]
    success: float | None  # share of the marked episodes; None: nothing is marked
    marked: int
    cases: int  # of the suite `production`


def intents(
    project: Project = None, home: Home = None, most: Most = SHOWN, json: AsJson = False
) -> None:
    """Show what people ask for: share, trend, success and cases of each intent.

    The last seven days are compared with the four weeks before them.
    """
    settings = Settings.load(home)
    with Lake.open(settings=settings, create=False) as lake:
        rows = found(lake, project or "default")
        waiting = _waiting(lake, project or "default")
    if json:
        print_json([_document(row) for row in rows])
    else:
        _show(rows, most, waiting)


def found(lake: Lake, project: str) -> list[Row]:
    """The intents with traffic in the last five weeks, those with most of it first."""
    from headrace.evals.drift import drift

    sql = statements("headrace.console", "intents.sql")["intent_marks"]
    marks = {row["intent"]: row for row in lake.rows(sql, {"project": project})}
    cases = _cases(lake, project)
    return [
        Row(
            drift=one,
            terms=tuple(marks[one.intent]["terms"] or ()),
            success=marks[one.intent]["success"],
            marked=marks[one.intent]["marked"],
            cases=cases[one.intent],
        )
        for one in drift(lake, project)
    ]


def _cases(lake: Lake, project: str) -> Counter[str]:
    """The standing cases of the suite that production grows, by intent."""
    from headrace.evals import case
    from headrace.evals.cases import intent

    standing = [one for one in case.cases(lake, project, case.SUITE) if one.retired_at is None]
    known = {one.intent for one in intent.intents(lake, project)}
    return Counter(intent.clusters_of(lake, project, standing, known).values())


def _document(row: Row) -> dict[str, Any]:
    document = {**msgspec.structs.asdict(row), **msgspec.structs.asdict(row.drift)}
    document.pop("drift")
    return {**document, "told": row.drift.told}


def _waiting(lake: Lake, project: str) -> int:
    sql = statements("headrace.console", "intents.sql")["not_seen_yet"]
    [(count,)] = lake.sql(sql, {"project": project}).fetchall()
    return int(count)


def _show(rows: Sequence[Row], most: int, waiting: int) -> None:
    to = page()
    if not rows:
        to.print("no episodes yet: `headrace nightly` finds what people ask for")
        return
    columns = ["intent", "#share", "#episodes", "trend", "#success", "#cases"]
    to.print(table("", columns, [_cells(row) for row in rows[:most]]))
    if len(rows) > most:
        to.print(f"{len(rows) - most} more: --most {len(rows)}")
    for row in rows:
        if row.drift.moved in ("more", "less"):
            to.print(row.drift.told)
    if waiting:
        to.print(f"not counted: {waiting:,} that no night has seen yet")


def _cells(row: Row) -> list[object]:
    from headrace.evals.display.sparkline import sparkline

    one = row.drift
    return [
        one.name,
        percent(one.share),
        one.now,
        sparkline([float(count) for count in one.windows]),
        "-" if row.success is None else f"{percent(row.success)} of {row.marked:,}",
        row.cases,
    ]
