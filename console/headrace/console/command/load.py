"""`headrace load`: conversations out of any JSONL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import errors, page, print_json
from headrace.lake import Lake
from headrace.lake.errors import SettingsError
from headrace.lake.project import settings_of
from headrace.lake.threshold import Threshold, parsed

if TYPE_CHECKING:
    from headrace.curate.step import StepResult
    from headrace.ingest.load import Loaded
    from headrace.ingest.picks import Picks

SHOWN = 20  # refusals on stderr; --json has all
UNGRADED = (
    "a score alone is no success: say from where on it is one with --success-at '>= 1', or in "
    "headrace.toml under [thresholds] as loaded = '>= 1'"
)

Tools = Annotated[str | None, typer.Option(help="Tool definitions: a list of functions.")]
Success = Annotated[
    str | None, typer.Option(help="true or false, 1 or 0, pass or fail; null is no mark.")
]
Score = Annotated[
    str | None, typer.Option(help="A grade: a number, no success without a rule or threshold.")
]
SuccessAt = Annotated[
    str | None,
    typer.Option(help="A rule over --score that makes it a success, as '>= 1'; else a failure."),
]
Id = Annotated[
    str | None, typer.Option("--id", help="A unique id. Default: the hash of what is picked.")
]
Conversation = Annotated[str | None, typer.Option(help="What several episodes belong to.")]
Release = Annotated[
    str | None, typer.Option(help="Release of the product; \"'1.4'\" is one for all lines.")
]
User = Annotated[str | None, typer.Option(help="Who asked.")]
Model = Annotated[str | None, typer.Option(help="The model that answered.")]
StartedAt = Annotated[str | None, typer.Option(help="ISO 8601, UTC without a zone, or epoch.")]
Task = Annotated[str | None, typer.Option(help="Your own name of what was asked.")]
Metadata = Annotated[
    str | None, typer.Option(help="An object to keep, as '{kind: kind, external_id: ticket}'.")
]


def load(
    files: Annotated[list[Path], typer.Argument(help="JSONL files, also .gz and .zst.")],
    messages: Annotated[str, typer.Option(help="JMESPath to the list of messages.")],
    tools: Tools = None,
    success: Success = None,
    score: Score = None,
    id_: Id = None,
    conversation: Conversation = None,
    release: Release = None,
    user: User = None,
    model: Model = None,
    started_at: StartedAt = None,
    task: Task = None,
    metadata: Metadata = None,
    success_at: SuccessAt = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Load conversations from JSONL; the same file twice adds nothing, a refused line exits 1.

    --messages to --metadata are JMESPath over a line: docs/load.md has one for each shape of line.
    """
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
        metadata=metadata,
    )
    loaded, weighed = _loaded(home, files, picks, project or "default", _rule(success_at))
    if json:
        print_json({**to_builtins(loaded), "resolved": _counts(weighed)})
    else:
        _show(loaded, weighed)
    _complain(loaded)


def _loaded(
    home: Path | None, files: list[Path], picks: "Picks", project: str, rule: Threshold | None
) -> tuple["Loaded", "StepResult"]:
    from headrace.curate.outcomes import resolve
    from headrace.ingest.load import load as load_files

    with Lake.open(home) as lake, errors().status("loading") as status:
        told = settings_of(lake.settings, project)
        loaded = load_files(
            lake,
            files,
            picks,
            project=project,
            now=datetime.now(UTC),
            success_at=rule,
            on_progress=lambda rows: status.update(f"loading: {rows:,} lines"),
        )
        status.update("weighing outcomes")
        weighed = resolve(
            lake, project, now=datetime.now(UTC), waiting=told.waiting, thresholds=told.thresholds
        )
    graded = picks.score and not picks.success and not rule and "loaded" not in told.thresholds
    hints = (*loaded.hints, *([UNGRADED] if graded and loaded.marked else []))
    return replace(loaded, hints=hints), weighed


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
    said = ", ".join(f"{count} {name}" for name, count in _counts(weighed).items())
    page().print(f"the project now: {said}")


def _counts(weighed: "StepResult") -> dict[str, int]:
    """Episodes of the project by resolution."""
    return {
        "success": weighed.notes["success"],
        "failure": weighed.notes["failure"],
        **weighed.dropped,
    }


def _complain(loaded: "Loaded") -> None:
    """Hints and refusals on stderr. Raises Exit where a line was refused."""
    for hint in loaded.hints:
        errors().print(hint, style="yellow", soft_wrap=True, markup=False)
    for refusal in loaded.refusals[:SHOWN]:
        errors().print(refusal, style="red", soft_wrap=True, markup=False)
    if (more := loaded.refused - SHOWN) > 0:
        errors().print(f"and {more:,} more refusals: --json has them all", style="red")
    if loaded.refused:
        raise typer.Exit(1)
