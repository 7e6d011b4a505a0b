"""`headrace eval compare`: two releases, paired by case."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, percent, print_json, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.statistics.comparison import Comparison

SHOWN = 20  # flipped cases; `--json` has all


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The release that stands.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The release that may replace it.")],
    suite: Suite = "production",
    scorer: Annotated[
        str | None, typer.Option(help="Default: the one with most cases of both.")
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The difference that matters, as 0.03 for 3 points."),
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Say whether release B is better than A, worse, as good, or not to be told yet."""
    from headrace.evals.compare import ASSUMED_DELTA, compare_releases
    from headrace.evals.display.reading import comparison_words

    with Lake.open(home, create=False) as lake:
        found = compare_releases(
            lake,
            suite=suite,
            a=a,
            b=b,
            project=project or "default",
            scorer=scorer,
            delta=ASSUMED_DELTA if delta is None else delta,
        )
    said = comparison_words(found)
    if delta is None:
        said += f" A delta of {100 * found.delta:g} points is assumed, not given."
    if json:
        print_json({"suite": suite, "comparison": found, "words": said})
        return
    for part in _parts(suite, found):
        page().print(part)
    page().print(said)


def _parts(suite: str, found: "Comparison") -> Iterator[Table | str]:
    from headrace.evals.display.wording import interval_words, points

    def difference(value: float | None) -> str:
        return "-" if value is None else points(value)

    columns = ["", "#cases", f"#{found.a}", f"#{found.b}", "#B - A", "#95 % interval", "state"]
    whole = (
        "all",
        found.n,
        percent(found.mean_a),
        percent(found.mean_b),
        difference(found.difference),
        interval_words(found.low, found.high),
        found.state,
    )
    parts = [
        (p.name, p.n, "", "", points(p.difference), interval_words(p.low, p.high), p.state)
        for p in found.slices
    ]
    yield table(f"{suite}: {found.b} against {found.a}", columns, [whole, *parts])
    if found.flips:
        rows = [
            (flip.case_id, flip.slice, percent(flip.before), percent(flip.after))
            for flip in found.flips[:SHOWN]
        ]
        left = len(found.flips) - len(rows)
        more = f" ({left} more: --json)" if left else ""
        yield f"{found.broken} broken, {found.fixed} fixed{more}"  # a title would wrap
        yield table("", ["case", "slice", f"#{found.a}", f"#{found.b}"], rows)
