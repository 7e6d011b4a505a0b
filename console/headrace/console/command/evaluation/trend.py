"""`headrace eval trend`: quality over the releases, with intervals."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.trend import Trend


def trend(
    suite: Suite = "production",
    scorer: Annotated[
        str | None,
        typer.Option(help="NAME or NAME@IDENTITY. Default: the one with most releases."),
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The gain worth having, as 0.03 for 3 points."),
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Over how many releases delta is meant.")] = 3,
    human: Annotated[
        str | None,
        typer.Option(help="Scorer under which people's labels stand. Default: `human`, if any."),
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Write the chart here: .html, .svg or .png.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Show the trend over releases with intervals, and what can be said of it.

    Exits with 1 where people's labels say that the judge may not feed a verdict.
    """
    from headrace.evals import trend as trends

    with Lake.open(home, create=False) as lake:
        found = trends.trend(
            lake,
            suite=suite,
            project=project or "default",
            scorer=scorer,
            delta=delta,
            window=window,
            human=human,
        )
    if chart is not None:
        trends.save(found.chart(), chart)
    if json:
        print_json(_document(found))
    else:
        for part in _tables(found):
            page().print(part)
        page().print(f"{found.sparkline}  {_range(found)}")
        page().print(found.words)
    if found.refused:
        raise typer.Exit(1)


def _document(found: "Trend") -> dict[str, Any]:
    return {
        "suite": found.suite,
        "scorer": found.scorer,
        "others": found.others,
        "releases": found.frame.to_dicts(),
        "verdict": found.verdict,
        "established": found.established,
        "delta_assumed": found.delta_assumed,
        "slices": found.slices,
        "noise": found.noise,
        "empty": found.empty,
        "judge": found.judge,
        "refused": found.refused,
        "words": found.words,
    }


def _tables(found: "Trend") -> Iterator[Table]:
    rows = found.frame.to_dicts()
    columns = ["release", "#cases", "#epochs", "#absent", "#mean", "#95 % interval", "window"]
    cells = [
        (r["release"], r["cases"], r["epochs"], r["absent"], percent(mean), _interval(r), _mark(r))
        for r, mean in zip(rows, found.means, strict=True)
    ]
    yield table(f"{found.suite}, scorer {found.scorer.name}", columns, cells)
    if found.slices:
        yield _slices(found)


def _interval(row: dict[str, Any]) -> str:
    """Of the mean that is shown: over shared cases within the window, over its own outside."""
    of = "shared_" if row["shared_mean"] is not None else ""
    low, high = row[f"{of}low"], row[f"{of}high"]
    return "-" if low is None else f"{percent(low)} to {percent(high)}"


def _mark(row: dict[str, Any]) -> str:
    return "compared" if row["compared"] else ""


def _slices(found: "Trend") -> Table:
    from headrace.evals.display.wording import interval_words, points

    gain = f"#gain per {found.verdict.window}"
    rows = [
        (
            part.name,
            part.n,
            "-" if part.gain is None else points(part.gain),
            "-" if part.low is None else interval_words(part.low, part.high),
            part.state if part.reason is None else f"cannot tell ({part.reason})",
        )
        for part in found.slices
    ]
    return table("slices", ["slice", "#cases", gain, "#interval", "state"], rows)


def _range(found: "Trend") -> str:
    present = [mean for mean in found.means if mean is not None]
    if not present:
        return "nothing was measured"
    return f"means from {percent(min(present))} to {percent(max(present))}"
