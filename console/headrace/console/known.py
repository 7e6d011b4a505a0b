"""Whether a project is known at all: a mistyped name must not be judged as an empty product."""

from headrace.flows.errors import UnknownProject
from headrace.lake import Lake
from headrace.lake.statement import statements


def must_know(lake: Lake, project: str) -> None:
    """Raises UnknownProject, naming those there are."""
    known = [row["project"] for row in lake.rows(statements("headrace.console")["known_projects"])]
    if project not in known:
        listed = ", ".join(map(repr, known)) or "none yet"
        raise UnknownProject(
            f"no project {project!r}: name one with --project; there are: {listed}"
        )
