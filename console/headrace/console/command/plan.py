"""`headrace dataset plan`: what could be built now, and what would help most."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.known import must_know_unless_bare
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import counted, page, print_json, progress, table
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.exporters.plan import Outlook
    from headrace.exporters.recipe import Recipe


def plan(
    objective: Annotated[
        list[str] | None,
        typer.Option(help="sft, kto, dpo, rm or rl; may repeat. Default: all, or the recipe's."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="TOML file (`headrace dataset recipe`) to plan with.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Say how many rows a build would give for each objective, and what keeps episodes out."""
    from headrace.exporters.plan import plan as planned

    recipes = _recipes(objective or [], recipe)
    with Lake.open(home, create=False) as lake, progress("reading episodes") as move:
        must_know_unless_bare(lake, project or "default")
        found = planned(lake, project or "default", recipes, told=move)
    if json:
        print_json(found)
        return
    if not found.outlooks[0].episodes:
        page().print("no episode at all: send traces or `headrace load` a file first")
        return
    page().print("\n".join(_lines(found.outlooks)), soft_wrap=True)
    page().print(_waterfall(found.outlooks))
    if len(found.outlooks) == 1:
        page().print(_reasons(found.outlooks[0]))


def _recipes(objectives: Sequence[str], file: Path | None) -> "list[Recipe]":
    from headrace.exporters import recipefile
    from headrace.exporters.objective import OBJECTIVES

    keys = recipefile.load(file) if file else {}
    own = [str(keys["objective"])] if "objective" in keys else [*OBJECTIVES]
    named = list(dict.fromkeys(objectives)) or own
    return [recipefile.recipe({**keys, "objective": name}) for name in named]


def _lines(outlooks: "Sequence[Outlook]") -> Iterator[str]:
    ready = ", ".join(
        f"{counted(one.rows, 'pair' if one.objective in ('dpo', 'rm') else 'row')} for "
        f"{one.objective}"
        for one in outlooks
    )
    yield f"ready from {counted(outlooks[0].episodes, 'episode')}: {ready}"
    told: dict[tuple[str, str], list[str]] = {}
    for one in outlooks:
        if (best := one.switch) is not None:
            much = f"{best.episodes:,} for {one.objective}"
            told.setdefault((best.reason, best.advice), []).append(much)
    for (reason, advice), counts in told.items():
        yield f"{reason} alone keeps out {', '.join(counts)}: {advice}"
    refused: dict[str, list[str]] = {}
    for one in outlooks:
        if one.refused is not None:
            refused.setdefault(one.refused, []).append(one.objective)
    for why, objectives in refused.items():
        yield f"a build for {', '.join(objectives)} would be refused: {why}"


def _waterfall(outlooks: "Sequence[Outlook]") -> object:
    """Episodes that are left after each step, an objective a column."""
    rows: list[list[object]] = [["episodes", *(one.episodes for one in outlooks)]]
    for at, stage in enumerate(outlooks[0].stages):
        rows.append([stage.name, *(one.stages[at].left for one in outlooks)])
    rows.append(["rows to train on", *(one.splits["train"] for one in outlooks)])
    rows.append(["rows to test with", *(one.splits["test"] for one in outlooks)])
    return table("episodes left", ["", *(f"#{one.objective}" for one in outlooks)], rows)


def _reasons(outlook: "Outlook") -> object:
    from headrace.exporters.reason import advice

    rows = [
        (stage.name, count, reason, advice(reason))
        for stage in outlook.stages
        for reason, count in stage.drops.items()
    ]
    return table("left out", ["step", "#episodes", "reason", "what would help"], rows)
