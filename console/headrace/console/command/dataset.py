"""`headrace dataset`: data sets to train on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.console.known import must_know_unless_bare
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, progress, table
from headrace.lake import Lake
from headrace.lake.record import Dataset


def build(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    objective: Annotated[str | None, typer.Option(help="sft, kto, dpo, rm or rl.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML file (`headrace dataset recipe`); other options go before it."),
    ] = None,
    format: Annotated[
        list[str] | None, typer.Option(help="Trainer dialect (docs/datasets.md); may repeat.")
    ] = None,
    filter: Annotated[
        list[str] | None, typer.Option(help="SQL that is true of an episode; may repeat.")
    ] = None,
    masks: Annotated[
        str | None, typer.Option(help="Which turns train: all, last or final_answer.")
    ] = None,
    cluster_cap: Annotated[int | None, typer.Option(help="Most rows of equal requests.")] = None,
    customer_cap: Annotated[int | None, typer.Option(help="Most rows of a user.")] = None,
    token_cap: Annotated[int | None, typer.Option(help="Most tokens to train on.")] = None,
    balance: Annotated[
        float | None, typer.Option(help="kto: most rows of one label for each of the other.")
    ] = None,
    holdout: Annotated[
        float | None, typer.Option(help="Share of like episodes to move to the test side.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of what caps and holdout choose.")] = None,
    least_rows: Annotated[
        int | None, typer.Option(help="Refuse to build with fewer rows to train on.")
    ] = None,
    license: Annotated[str | None, typer.Option(help="Of the data set, for its card.")] = None,
    accept_loss: Annotated[
        list[str] | None, typer.Option(help="Loss to accept, by name; may repeat.")
    ] = None,
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
    from headrace.exporters import dataset, recipefile

    if objective is None and recipe is None:
        raise typer.BadParameter("name what it trains with --objective, or a --recipe")
    flags = {
        "objective": objective,
        "formats": format or None,
        "filters": filter or None,
        "masks": masks,
        "caps.cluster": cluster_cap,
        "caps.customer": customer_cap,
        "caps.tokens": token_cap,
        "balance": balance,
        "holdout": holdout,
        "seed": seed,
        "least_rows": least_rows,
        "license": license,
        "accept_loss": accept_loss or None,
        "without_evals": without_evals or None,
        "accept_leaks": accept_leaks or None,
        "allow_lossy": allow_lossy or None,
    }
    keys = recipefile.overridden(recipefile.load(recipe) if recipe else {}, flags)
    asked = recipefile.recipe(keys)
    with Lake.open(home, create=False) as lake, progress(f"building {name}") as move:
        must_know_unless_bare(lake, project or "default")
        built = dataset.build_from(
            lake,
            project or "default",
            name,
            asked,
            out=out,
            now=datetime.now(UTC),
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
        if not found:
            must_know_unless_bare(lake, project or "default")
    if json:
        print_json(found)
        return
    if not found:
        page().print("no data set yet: `headrace dataset build` makes one")
        return
    rows = [(d.name, d.objective, d.rows, d.version, d.at, _hub(d)) for d in found]
    columns = ["name", "objective", "#rows", "version", "built, UTC", "on the Hub"]
    page().print(table("", columns, rows))


def _hub(made: Dataset) -> str | None:
    """The repository and the commit that hold a version."""
    return made.hub_repo and f"{made.hub_repo}@{(made.hub_revision or '')[:8]}"


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
