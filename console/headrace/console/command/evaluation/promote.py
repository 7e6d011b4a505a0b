"""`headrace eval promote`: one episode as a case."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json
from headrace.lake import Lake


def promote(
    episode: Annotated[str, typer.Argument(help="Id of an episode, or of its trace.")],
    suite: Suite = "production",
    even_if_exported: Annotated[
        bool, typer.Option("--even-if-exported", help="Also where a data set trains on it.")
    ] = False,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Make a case of one episode; from now on it and what resembles it stay out of training."""
    from headrace.evals.cases.exposure import datasets
    from headrace.evals.promotion import promote as promote_episode

    with Lake.open(home, create=False) as lake:
        made = promote_episode(
            lake,
            project or "default",
            episode,
            suite=suite,
            even_if_exported=even_if_exported,
            now=datetime.now(UTC),
        )
    if json:
        print_json(made)
        return
    verb = "is again" if made.reinstated else "is now"
    said = f"episode {made.episode_id} {verb} case {made.case_id} of suite {suite}"
    page().print(f"{said}, scored by {made.scorer}", soft_wrap=True)
    if made.exported:
        seen = f"models trained on {datasets(made.exported)} have seen it"
        page().print(f"{seen}: their scores on it say nothing", soft_wrap=True)
    page().print("curation keeps it out of training from the next night on")
