"""`headrace status`: where the wheel stands."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from headrace.console import release
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import page, print_json, table
from headrace.curate.raw.kept import Kept
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import Settings
from headrace.lake.statement import statements


def status(project: Project = None, home: Home = None, json: AsJson = False) -> None:
    """Show what came in, what waits, releases, the last night, verdicts and data sets."""
    settings = Settings.load(home)
    found = standing(settings, project, now=datetime.now(UTC))
    if json:
        print_json(found)
    else:
        _show(settings, found)


def standing(settings: Settings, project: str | None, *, now: datetime) -> dict[str, Any]:
    """What lake and spool of a home hold; `spool` and `night` are None where there is none."""
    sql = statements("headrace.console")
    where = {"project": project}
    with Lake.open(settings=settings, create=False) as lake:
        nights = lake.rows(sql["last_night"])
        found = release.releases(lake, project, most=release.MOST)
        return {
            "home": str(settings.home.absolute()),
            "spool": _spool(settings, now),
            "projects": lake.rows(sql["projects"], where),
            "raw": Kept.of(lake),
            "releases": found.shown,
            "more_releases": found.more,
            "night": nights[0] if nights else None,
            "verdicts": lake.rows(sql["last_verdicts"], where),
            "datasets": lake.rows(sql["data_sets"], where),
            "dead_letters": lake.rows(sql["dead_letters"]),
        }


def _spool(settings: Settings, now: datetime) -> object:
    if not settings.spool_path.exists():
        return None
    with Spool.open(settings) as spool:
        return spool.depth(now)


def _show(settings: Settings, found: dict[str, Any]) -> None:
    to = page()
    to.print(f"lake {settings.catalog_shown}", soft_wrap=True)
    spool = found["spool"]
    to.print("spool: no sidecar has run here" if spool is None else _waiting(spool))
    night = found["night"]
    to.print("night: none yet, run `headrace nightly`" if night is None else _night(night))
    to.print(str(found["raw"]))
    states = ["episodes", "success", "failure", "pending", "conflicting", "unmarked"]
    columns = ["project", "#spans", *(f"#{state}" for state in states)]
    _print_rows("\nprojects", columns, found["projects"])
    _show_releases(found["releases"], found["more_releases"])
    _print_rows("\nverdicts", ["project", "state", "at", "expires_at"], found["verdicts"])
    columns = ["project", "name", "objective", "#rows", "version", "at"]
    _print_rows("\ndata sets", columns, found["datasets"])
    _print_rows("\ndead letters", ["signal", "reason", "#bodies", "last"], found["dead_letters"])


def _show_releases(shown: Sequence[release.Release], more: Mapping[str, int]) -> None:
    if not shown:
        return
    to = page()
    columns = ["project", "release", "first seen", "#episodes", "#pending", "#marked", "#success"]
    to.print(table("\nreleases", [*columns, "#95 % interval"], release.quality(shown)))
    columns = ["project", "release", "#cost p50", "#total", "#latency p50", "#p95", "#first token"]
    to.print(table("\nper episode", columns, release.price_and_pace(shown)))
    if any(one.success.marked and one.success.rate is None for one in shown):
        to.print("for rates of success: pip install 'headrace[evals]'")
    for project, count in more.items():
        to.print(f"{project}: {count:,} earlier releases are not shown")


def _print_rows(title: str, columns: list[str], rows: list[dict[str, Any]]) -> None:
    if rows:
        cells = ([row[name.lstrip("#")] for name in columns] for row in rows)
        page().print(table(title, columns, cells))


def _waiting(spool: Any) -> str:
    if spool.depth == 0:
        return "spool: empty, all that was acknowledged is in the lake"
    return f"spool: {spool.depth:,} bodies wait, the oldest for {spool.oldest_s:.0f} s"


def _night(night: dict[str, Any]) -> str:
    return f"night: {night['status']} {night['ended_at']:%Y-%m-%d %H:%M} UTC"
