"""`headrace load`: conversations out of any JSONL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import errors, page, print_json
from headrace.lake import Lake
from headrace.lake.errors import SettingsError
from headrace.lake.project import settings_of
from headrace.lake.threshold import Threshold, parsed

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
    success_at: Annotated[
        str | None,
        typer.Option(
            help="A rule over --score that makes it a success, as '>= 1'; else a failure."
        ),
    ] = None,
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
    name = project or "default"
    rule = _rule(success_at)
    with Lake.open(home) as lake, errors().status("loading") as status:
        told = settings_of(lake.settings, name)
        loaded = load_files(
            lake,
            files,
            picks,
            project=name,
            now=datetime.now(UTC),
            success_at=rule,
            on_progress=lambda rows: status.update(f"loading: {rows:,} lines"),
        )
        weighed = resolve(
            lake, name, now=datetime.now(UTC), waiting=told.waiting, thresholds=told.thresholds
        )
    if json:
        print_json(loaded)
    else:
        _show(loaded, weighed)
    for refusal in loaded.refusals:
        errors().print(refusal, style="red", soft_wrap=True, markup=False)
    if loaded.refused:
        raise typer.Exit(1)


def _rule(text: str | None) -> Threshold | None:
    try:
        return None if text is None else parsed(text)
    except SettingsError as error:
        raise typer.BadParameter(f"--success-at {error}") from error


def _show(loaded: "Loaded", weighed: "StepResult") -> None:
    page().print(
        f"{loaded.rows} lines: {loaded.added} episodes added, {loaded.unchanged} known, "
        f"{loaded.marked} with an outcome, {loaded.refused} refused"
    )
    counts = {name: weighed.notes[name] for name in ("success", "failure")}
    counts.update(weighed.dropped)
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    page().print(f"the project now: {said}")
