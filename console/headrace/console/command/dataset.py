"""`headrace dataset`: data sets to train on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, progress, table
from headrace.lake import Lake


def build(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    objective: Annotated[str, typer.Option(help="sft, kto, dpo or rm.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    format: Annotated[list[str] | None, typer.Option(help="Trainer dialect; may repeat.")] = None,
    without_evals: Annotated[
        bool, typer.Option("--without-evals", help="Build although no suite guards it.")
    ] = False,
    accept_leaks: Annotated[
        bool, typer.Option("--accept-leaks", help="Build although rows match evaluation cases.")
    ] = False,
    allow_lossy: Annotated[
        bool, typer.Option("--allow-lossy", help="Build although a format cannot hold all.")
    ] = False,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Build a data set into a folder: rows, trainer files, card, manifest."""
    from headrace.exporters import dataset

    with Lake.open(home, create=False) as lake, progress(f"building {name}") as move:
        built = dataset.build(
            lake,
            project or "default",
            name,
            objective,
            out=out,
            now=datetime.now(UTC),
            formats=tuple(format or ("trl",)),
            without_evals=without_evals,
            accept_leaks=accept_leaks,
            allow_lossy=allow_lossy,
            told=lambda what, done, of: move(done, of, f"building {name}: {what}"),
        )
    if json:
        print_json(built)
        return
    splits = ", ".join(f"{count} {split}" for split, count in built.splits.items())
    said = f"{name} {built.version}: {built.rows} rows ({splits}) in {built.path}"
    page().print(said, soft_wrap=True)
    drops = [(count, reason) for reason, count in built.drops.items()]
    page().print(table("left out", ["#episodes", "reason"], drops))


def list_(project: Project = None, home: Home = None, json: AsJson = False) -> None:
    """List the data sets of a project, oldest first."""
    from headrace.exporters import dataset

    with Lake.open(home, create=False) as lake:
        found = dataset.listed(lake, project or "default")
    if json:
        print_json(found)
        return
    rows = [(d.name, d.objective, d.rows, d.version, f"{d.at:%Y-%m-%d %H:%M}") for d in found]
    page().print(table("", ["name", "objective", "#rows", "version", "built, UTC"], rows))


def validate(
    directory: Annotated[Path, typer.Argument(help="Folder of a data set.")], json: AsJson = False
) -> None:
    """Compare a data set on disk with its manifest; exit 1 where they differ."""
    from headrace.exporters import validation

    found = validation.validate(directory)
    if json:
        print_json(found)
    elif found.ok:
        page().print(f"{found.name} {found.version}: {found.rows} rows, all as the manifest says")
    else:
        page().print("\n".join(found.faults), soft_wrap=True)
    if not found.ok:
        raise typer.Exit(1)
