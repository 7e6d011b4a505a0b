"""`headrace eval build`: the suite from production."""

from datetime import UTC, datetime

from headrace.console.command.evaluation.option import Suite
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json
from headrace.lake import Lake


def build(
    suite: Suite = "production", project: Project = None, home: Home = None, json: AsJson = False
) -> None:
    """Grow a suite from production: one case per request held out from training."""
    from headrace.evals import case

    with Lake.open(home, create=False) as lake:
        built = case.build(lake, project or "default", suite=suite, now=datetime.now(UTC))
    if json:
        print_json(built)
        return
    scorers = ", ".join(f"{count} {name}" for name, count in built.by_scorer.items())
    page().print(f"suite {suite}: {built.added} cases added, {built.kept} kept ({scorers or '-'})")
    if built.waiting:
        page().print(f"{built.waiting} requests wait for an episode that succeeded or failed")
