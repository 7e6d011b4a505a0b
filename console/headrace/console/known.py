"""Whether a project is known at all: a mistyped name must not be judged as an empty product."""

from headrace.flows.errors import UnknownProject
from headrace.lake import Lake
from headrace.lake.statement import statements


def must_know(lake: Lake, project: str) -> None:
    """Raises UnknownProject, naming those there are."""
    known = _projects(lake)
    if project not in known:
        listed = ", ".join(map(repr, known)) or "none yet"
        raise UnknownProject(
            f"no project {project!r}: name one with --project; there are: {listed}"
        )


def must_know_unless_bare(lake: Lake, project: str) -> None:
    """As `must_know`; a lake without any project passes, for there no name could be right."""
    if _projects(lake):
        must_know(lake, project)


def _projects(lake: Lake) -> list[str]:
    sql = statements("headrace.console")["known_projects"]
    return [row["project"] for row in lake.rows(sql)]
