"""Where the rows of a data set come from and what was done to them, counted for its readers."""

from collections import Counter
from typing import Any

from headrace.curate.silver.measure import measured
from headrace.curate.split import VERSION as SPLIT
from headrace.exporters.manifest import Audit, Scrubbing, Splitting
from headrace.exporters.selection import Selection
from headrace.lake.statement import statements
from headrace.lake.store import Lake


def audit(lake: Lake, project: str, selection: Selection, leaks: int) -> Audit:
    """The counts of a selection and of the curation before it."""
    curation, marks = _rows(lake, "curation", project), _rows(lake, "suite_marks", project)
    return Audit(
        episodes=len(selection.against) + len(selection.marks),
        drops=selection.drops,
        outcomes=_outcomes(selection),
        dedupe={r["reason"]: r["episodes"] for r in curation if r["step"] == "dedupe"},
        decontaminate={
            r["reason"]: r["episodes"] for r in curation if r["step"] == "decontaminate"
        },
        suites=suites(lake, project),
        leaks=leaks,
        verdict=_verdict(lake, project),
        scrub=_scrub(lake, project, selection),
        suite_hashes={row["suite"]: row["hash"] for row in marks},
        scorers={row["suite"]: tuple(row["scorers"] or ()) for row in marks},
        split=Splitting(
            rules=SPLIT,
            groups={row["split"]: row["groups"] for row in _rows(lake, "groups", project)},
        ),
    )


def suites(lake: Lake, project: str) -> dict[str, int]:
    """Suite -> its cases in use."""
    return {row["suite"]: row["cases"] for row in _rows(lake, "suites", project)}


def _outcomes(selection: Selection) -> dict[str, dict[str, int]]:
    """Split -> source and resolution -> episodes; an episode in several rows counts once."""
    sides = {name: row.split for row in selection.rows.entries for name in row.episode_ids}
    counts: dict[str, Counter[str]] = {side: Counter() for side in sorted(set(sides.values()))}
    for name, mark in selection.marks.items():
        counts[sides[name]][mark] += 1
    return {side: dict(sorted(found.items())) for side, found in counts.items()}


def _scrub(lake: Lake, project: str, selection: Selection) -> Scrubbing:
    sql = statements("headrace.exporters")
    given = {"project": project, "episodes": list(selection.marks)}
    rules, places = lake.rows(sql["scrub_rules"], given), lake.rows(sql["scrub_places"], given)
    return Scrubbing(
        rules={row["version"]: row["episodes"] for row in rules},
        places={row["kind"]: row["places"] for row in places},
        measured=measured(),
    )


def _verdict(lake: Lake, project: str) -> str | None:
    for row in _rows(lake, "readiness", project):
        return f"{row['state']}, {row['at']:%Y-%m-%d}"
    return None


def _rows(lake: Lake, name: str, project: str) -> list[dict[str, Any]]:
    return lake.rows(statements("headrace.exporters")[name], {"project": project})
