"""Other projects of a lake, for somebody who looked into the wrong one."""

from headrace.lake.statement import statements
from headrace.lake.store import Lake

_NAMED = 5


def elsewhere(lake: Lake, project: str) -> str:
    """The end of a refusal: '; other projects: support, shop (--project)', or nothing."""
    rows = lake.rows(statements("headrace.evals", "suite.sql")["projects"], {"project": project})
    names = [str(row["project"]) for row in rows]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"; other projects: {', '.join(names[:_NAMED])}{more} (--project)"
