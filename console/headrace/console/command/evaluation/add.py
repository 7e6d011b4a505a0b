"""`headrace eval add`: an eval set that a team has already."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import counted, page, print_json
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.addition import Added

SHOWN = 5  # edited rows; --json has all


def add(
    file: Annotated[Path, typer.Argument(help="JSONL, also .gz and .zst.")],
    suite: Annotated[str, typer.Option(help="Name of the suite, made if it is new.")],
    input_: Annotated[
        str,
        typer.Option("--input", help="What is asked: a text, messages, or {messages, tools}."),
    ],
    target: Annotated[
        str | None, typer.Option(help="What is right: a text, JSON, a list of calls, or null.")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="A unique id. Default: the hash of the content.")
    ] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="A part of the suite to look at by itself.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="What makes rows alike: a customer, document or intent.")
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="A name. Default: tool_calls for calls, else match.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Bring in an eval set as cases, kept out of training; the same file twice adds nothing.

    --input to --cluster are JMESPath over a row. An edited row is a new case, the old one retires.
    """
    from headrace.evals.addition import add as add_file
    from headrace.evals.cases.caserow import CasePicks

    picks = CasePicks(input=input_, target=target, id=id_, slice=slice_, cluster=cluster)
    with Lake.open(home) as lake:
        added = add_file(
            lake,
            project or "default",
            file,
            picks,
            suite=suite,
            scorer=scorer,
            now=datetime.now(UTC),
        )
    if json:
        print_json(added)
        return
    for line in _told(added):
        page().print(line, soft_wrap=True)


def _told(added: "Added") -> Iterator[str]:
    from headrace.evals.cases.exposure import datasets

    scorers = ", ".join(f"{count} {name}" for name, count in added.by_scorer.items())
    more = [
        f"{count} {what}"
        for count, what in (
            (added.edited, "edited"),
            (added.filled, "known by scores alone until now"),
            (added.relabelled, "with another slice or cluster"),
            (added.retired, "retired before"),
        )
        if count
    ]
    told = ", ".join([f"{added.added} cases added", f"{added.unchanged} unchanged", *more])
    yield f"suite {added.suite}: {counted(added.rows, 'row')}, {told}; standing: {scorers or '-'}"
    for edit in added.edits[:SHOWN]:
        yield f"row {edit.row} was edited: now case {edit.case_id}, {_retired(edit.instead_of)}"
    if (left := len(added.edits) - SHOWN) > 0:
        yield f"and {left} more edited rows: --json names them"
    if added.unanswerable:
        yield f"{counted(added.unanswerable, 'row')} without a target: no model can be scored on it"
    if added.secrets:
        yield f"secrets were removed from {counted(added.secrets, 'row')}"
    if added.exported:
        given = counted(len({one.case_id for one in added.exported}), "case")
        yield f"models trained on {datasets(added.exported)} may have seen {given}"


def _retired(cases: tuple[str, ...]) -> str:
    return f"{', '.join(cases)} retired" if cases else "its old one had been retired"
