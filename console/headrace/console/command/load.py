"""`headrace load`: conversations out of any JSONL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import errors, page, print_json
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.curate.step import StepResult
    from headrace.ingest.load import Loaded

Expression = Annotated[str | None, typer.Option(help="JMESPath over a line.")]


def load(
    files: Annotated[list[Path], typer.Argument(help="JSONL files, also .gz and .zst.")],
    messages: Annotated[str, typer.Option(help="JMESPath to the list of messages.")],
    tools: Expression = None,
    success: Expression = None,
    score: Expression = None,
    id_: Annotated[str | None, typer.Option("--id", help="JMESPath over a line.")] = None,
    conversation: Expression = None,
    release: Expression = None,
    user: Expression = None,
    model: Expression = None,
    started_at: Expression = None,
    task: Expression = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Load conversations from JSONL; the same file twice adds nothing, a refused line exits 1."""
    from headrace.curate.outcomes import resolve
    from headrace.ingest.load import load as load_files
    from headrace.ingest.picks import Picks

    picks = Picks(
        messages=messages,
        tools=tools,
        success=success,
        score=score,
        id=id_,
        conversation=conversation,
        release=release,
        user=user,
        model=model,
        started_at=started_at,
        task=task,
    )
    with Lake.open(home) as lake, errors().status("loading") as status:
        loaded = load_files(
            lake,
            files,
            picks,
            project=project or "default",
            now=datetime.now(UTC),
            on_progress=lambda rows: status.update(f"loading: {rows:,} lines"),
        )
        waiting = lake.settings.waiting
        weighed = resolve(lake, project or "default", now=datetime.now(UTC), waiting=waiting)
    if json:
        print_json(loaded)
    else:
        _show(loaded, weighed)
    for refusal in loaded.refusals:
        errors().print(refusal, style="red", soft_wrap=True, markup=False)
    if loaded.refused:
        raise typer.Exit(1)


def _show(loaded: "Loaded", weighed: "StepResult") -> None:
    page().print(
        f"{loaded.rows} lines: {loaded.added} episodes added, {loaded.unchanged} known, "
        f"{loaded.marked} with an outcome, {loaded.refused} refused"
    )
    counts = {name: weighed.notes[name] for name in ("success", "failure")}
    counts.update(weighed.dropped)
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    page().print(f"the project now: {said}")
