"""`headrace eval noise`: how much a release moves when nothing was changed."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import aside, errors, page, print_json, table
from headrace.lake import Lake


def noise(
    suite: Suite = "production",
    scorer: Annotated[
        str | None, typer.Option(help="Default: the first one whose runs were repeated.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Run the suite on it twice, now: any Inspect model.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="The release that --model is.")] = None,
    grader: Annotated[str | None, typer.Option(help="Model that grades answers.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Attempts per case in each run.")] = 1,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Tell from runs of one configuration how much a release moves by itself."""
    from headrace.evals.display.wording import interval_words, points
    from headrace.evals.noise import noise as measure

    if (model is None) != (release is None):
        raise typer.BadParameter("--model and --release go together: what to run, and its name")
    with Lake.open(home, create=False) as lake:
        if model is not None and release is not None:
            _run_twice(lake, project or "default", suite, model, release, grader, epochs)
        found = measure(lake, suite=suite, project=project or "default", scorer=scorer)
    if json:
        document = {"suite": suite, "scorer": found.series, "noise": found.noise}
        print_json({**document, "words": found.noise.words})
        return
    if found.noise.repeats:
        rows = [
            (r.release, r.cases, points(r.difference), interval_words(r.low, r.high))
            for r in found.noise.repeats
        ]
        columns = ["release", "#cases", "#again - before", "#95 % interval"]
        page().print(table(f"{suite}, scorer {found.series.name}", columns, rows))
    page().print(found.noise.words)


def _run_twice(
    lake: Lake,
    project: str,
    suite: str,
    model: str,
    release: str,
    grader: str | None,
    epochs: int,
) -> None:
    from headrace.evals.errors import RunFailed
    from headrace.evals.run import run
    from headrace.evals.runs.evaluation import Terms

    for time in ("first", "second"):
        with aside(), errors().status(f"{model} answers {suite} for the {time} time"):
            done = run(
                lake,
                project,
                suite=suite,
                model=model,
                release=release,
                terms=Terms(epochs=epochs),
                grader=grader,
                now=datetime.now(UTC),
            )
        if done.absent == done.scores:
            why = next(iter(done.reasons), "no reason given")
            raise RunFailed(f"{model} as {release} measured nothing: {why}. Mend that, then repeat")
