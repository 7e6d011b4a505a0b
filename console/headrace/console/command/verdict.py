"""`headrace verdict`: is it time to evaluate fine-tuning?"""

from datetime import UTC, datetime

from headrace.console.known import must_know
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, table
from headrace.lake import Lake


def verdict(project: Project = None, home: Home = None, json: AsJson = False) -> None:
    """Say train, not_yet, cannot_tell or stay, with reasons; the verdict is kept in the lake."""
    from headrace.evals import readiness

    with Lake.open(home, create=False) as lake:
        must_know(lake, project or "default")
        found = readiness.assess(lake, project or "default", now=datetime.now(UTC))
        readiness.record(lake, found)
    if json:
        print_json(found)
        return
    page().print(readiness.words(found), markup=False)
    rows = [(signal.name, signal.state, signal.sentence) for signal in found.signals]
    page().print(table("\nsignals", ["signal", "training?", "evidence"], rows))
