"""`headrace eval load`: scores from elsewhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import counted, page, print_json, progress
from headrace.lake import Lake


def _field(what: str) -> Any:
    """An option that says where a row holds `what`: a field or JMESPath over it."""
    return typer.Option(metavar="EXPR", help=what)


def load(
    files: Annotated[
        list[Path], typer.Argument(help="Inspect .eval/.json logs, folders of them, JSONL or CSV.")
    ],
    suite: Suite = "production",
    release: Annotated[
        str | None, typer.Option(help="Release of all that is loaded. Default: as the file says.")
    ] = None,
    release_expr: Annotated[str | None, _field("The release. Default: the field release.")] = None,
    case: Annotated[str | None, _field("Id of the case. Default: the field case_id.")] = None,
    value: Annotated[
        str | None, _field("The score, from 0 to 1. Default: the field value.")
    ] = None,
    passing: Annotated[
        list[str] | None, typer.Option("--pass", help="A word that means 1; may be repeated.")
    ] = None,
    failing: Annotated[
        list[str] | None, typer.Option("--fail", help="A word that means 0; may be repeated.")
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option(help="A word that means: not measured; may be repeated, as N/A."),
    ] = None,
    out_of: Annotated[
        float, typer.Option(help="The highest value there is: 100 for percentages.")
    ] = 1.0,
    epoch: Annotated[str | None, _field("Number of the attempt at a case.")] = None,
    run: Annotated[str | None, _field("What tells runs of one release apart.")] = None,
    scorer: Annotated[
        str | None, _field("Who scored: a field, or a name in quotes as \"'human'\".")
    ] = None,
    slice_: Annotated[
        str | None,
        typer.Option("--slice", metavar="EXPR", help="A part of the suite to look at by itself."),
    ] = None,
    cluster: Annotated[
        str | None, _field("What makes cases alike: a customer, a document.")
    ] = None,
    at: Annotated[str | None, _field("When the release was: ISO 8601 or seconds.")] = None,
    content: Annotated[
        str | None, _field("What a case asks: where it changes, it is another case.")
    ] = None,
    by_id: Annotated[
        bool, typer.Option("--by-id", help="Cases are the same by their id, whatever they ask.")
    ] = False,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Bring in scores from elsewhere: Inspect logs, or rows with release, case_id and value.

    EXPR is a field of a row, or JMESPath over it.
    """
    from headrace.evals.load import load as load_scores
    from headrace.evals.scores.picks import Picks

    picks = Picks(
        release=release_expr,
        case=case,
        value=value,
        epoch=epoch,
        run=run,
        scorer=scorer,
        slice=slice_,
        cluster=cluster,
        at=at,
        content=content,
        passing=tuple(passing or ()),
        failing=tuple(failing or ()),
        absent=tuple(absent or ()),
        out_of=out_of,
    )
    with Lake.open(home) as lake, progress("loading scores") as tick:
        loaded = load_scores(
            lake,
            project or "default",
            files,
            suite=suite,
            mapping=picks,
            release=release,
            by_id=by_id,
            now=datetime.now(UTC),
            progress=tick,
        )
    if json:
        print_json(loaded)
        return
    where = f"{counted(loaded.cases, 'case')} and {counted(len(loaded.releases), 'release')}"
    page().print(
        f"suite {suite}: {counted(loaded.scores, 'score')} over {where}, {loaded.absent:,} absent, "
        f"{loaded.written:,} new"
    )
    for reason, count in loaded.reasons.items():
        page().print(f"{count} absent: {reason}", soft_wrap=True)
    for note in loaded.notes:
        page().print(note, soft_wrap=True)
