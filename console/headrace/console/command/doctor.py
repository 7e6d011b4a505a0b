"""`headrace doctor`: is this machine able, and does the traffic carry what training needs?"""

import shutil
import socket
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import duckdb
import msgspec
import typer
from rich.text import Text

from headrace.console import traffic
from headrace.console.option import AsJson, Home
from headrace.console.page import cell, errors, page, print_json, table
from headrace.console.traffic import State, Told
from headrace.curate.price import Prices
from headrace.ingest import keyfile
from headrace.ingest.replay import Remaining, remaining
from headrace.ingest.replay import replay as replayed
from headrace.lake import Lake, extension
from headrace.lake import project as project_settings
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import MIB, Settings, make_home
from headrace.lake.statement import statements

Found = tuple[State, str] | Told

LOW_DISK = 1024 * MIB
LINES = 24  # of one check that people are shown; all are in --json
COLOUR = {"ok": "green", "look": "yellow", "fail": "red"}


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing looked at; `look` is worth a person's time, `fail` stops work."""

    name: str
    state: State
    said: str
    lines: tuple[str, ...] = ()
    rows: Sequence[object] = ()  # what the lines say, for machines


def doctor(
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Read dead letters once more, after an upgrade or a fix."),
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="With --replay: letters whose reason holds this text.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="With --replay: letters of this project. Default: all.")
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Check this machine and what has come in: content that is missing and the switch that brings
    it, defects and what helps, whether every completion is accounted for. Exit 1 where something
    stops work.
    """
    settings = Settings.load(home)
    if replay:
        _replay(settings, project, reason, json)
        return
    if reason is not None or project is not None:
        raise typer.BadParameter("--reason and --project pick the letters of --replay: add it")
    found = [_check(name, settings) for name in CHECKS]
    if json:
        print_json(found)
    else:
        _show(found)
    if any(one.state == "fail" for one in found):
        raise typer.Exit(1)


def _check(name: str, settings: Settings) -> Check:
    try:
        found = CHECKS[name](settings)
    except (HeadraceError, duckdb.Error, OSError) as error:
        found = "fail", str(error)
    if isinstance(found, Told):
        return Check(name=name, **msgspec.structs.asdict(found))
    state, said = found
    return Check(name=name, state=state, said=said)


def _show(found: Sequence[Check]) -> None:
    """The checks, then what some of them found line by line, no word broken."""
    screen = page()
    rows = [(Text(one.state, COLOUR[one.state]), one.name, one.said) for one in found]
    screen.print(table("", ["", "", ""], rows))
    for one in found:
        if one.lines:
            screen.print(Text(f"\n{one.name}", "bold"))
        more = len(one.lines) - LINES
        for line in (*one.lines[:LINES], *([f"and {more:,} more, with --json"] * (more > 0))):
            screen.print(_wrapped(line, screen.width), soft_wrap=True)


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(
        line,
        width,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _of_traffic(check: Callable[[Lake], Told]) -> Callable[[Settings], Found]:
    def run(settings: Settings) -> Found:
        with Lake.open(settings=settings) as lake:
            return check(lake)

    return run


def _python(_: Settings) -> Found:
    return "ok" if sys.version_info >= (3, 11) else "fail", sys.version.split()[0]


def _duckdb(_: Settings) -> Found:
    with duckdb.connect() as connection:
        for name in ("ducklake", "sqlite_scanner"):
            extension.load(connection, name)
    return "ok", f"{duckdb.__version__}, its extensions load"


def _disk(settings: Settings) -> Found:
    make_home(settings.home)
    free = shutil.disk_usage(settings.home).free
    return "ok" if free > LOW_DISK else "look", f"{free // MIB:,} MiB free at {settings.home}"


def _lake(settings: Settings) -> Found:
    with Lake.open(settings=settings) as lake:
        return "ok", f"opens, snapshot {lake.snapshot_id}"


def _port(settings: Settings) -> Found:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    if taken:
        return "ok", f"something listens on {settings.host}:{settings.port}"
    return "look", f"nobody listens on {settings.host}:{settings.port}: start `headrace serve`"


def _prices(settings: Settings) -> Found:
    Prices.load(settings)
    own = settings.prices_path
    return "ok", f"those in {own}, then the bundled ones" if own.exists() else "the bundled ones"


def _keys(settings: Settings) -> Found:
    keys, seen = keyfile.read(settings.keys_path)
    if settings.keys is not None and seen is None:
        return "fail", f"HEADRACE_KEYS names {str(settings.keys)!r}, which does not exist"
    if not keys:
        return "ok", "no API keys: the sidecar serves this machine alone"
    return "ok", f"API keys in {settings.keys_path}: {len(keys)}"


def _dead_letters(settings: Settings) -> Found:
    with Lake.open(settings=settings) as lake:
        letters = remaining(lake)
    if not letters:
        return "ok", "none"
    told = "; ".join(_letter(row) for row in letters)
    return "look", f"{told}. After an upgrade or a fix: headrace doctor --replay"


def _letter(row: Remaining) -> str:
    first, last = cell(row.first), cell(row.last)
    when = first if first == last else f"{first} to {last}"
    return f"{row.bodies} {row.signal} ({when}): {row.reason}"


def _secrets(settings: Settings) -> Found:
    with Lake.open(settings=settings) as lake:
        rows = lake.rows(statements("headrace.console")["secrets"])
    if not rows:
        return "ok", "none were removed"
    told = ", ".join(f"{row['kind']} from {row['found']} {row['what']}" for row in rows)
    return "look", f"removed: {told}; better your product never sends them"


def _replay(settings: Settings, project: str | None, reason: str | None, json: bool) -> None:
    seen = 0

    def told(letters: int) -> None:
        nonlocal seen
        seen += letters
        status.update(f"replaying: {seen:,} dead letters")

    with (
        errors().status("replaying dead letters") as status,
        Lake.open(settings=settings, create=False) as lake,
    ):
        done = replayed(
            lake,
            clock=lambda: datetime.now(UTC),
            project=project,
            reason=reason,
            on_progress=told,
        )
    if json:
        print_json(done)
        return
    page().print(f"{done.replayed:,} dead letters are rows now, {done.left:,} remain")
    for row in done.remaining:
        page().print(_letter(row), soft_wrap=True)


def _project_settings(settings: Settings) -> Found:
    project_settings.check(settings)
    path = project_settings.place(settings)
    return "ok", f"{path} can be used" if path else "no headrace.toml: the environment holds"


def _evaluations(settings: Settings) -> Found:
    with Lake.open(settings=settings) as lake:
        rows = lake.rows(statements("headrace.console")["evaluations_without_target"])
    if not rows:
        return "ok", "every evaluation event names what it is about"
    told = "; ".join(f"{row['project']}: {row['events']} ({row['names']})" for row in rows)
    return "look", (
        f"evaluations that name no span, trace or response are kept and mark nothing, {told}; "
        "evaluate inside the traced call (pydantic-evals: with Logfire), or send gen_ai.response.id"
    )


CHECKS: Mapping[str, Callable[[Settings], Found]] = {
    "python": _python,
    "duckdb": _duckdb,
    "disk": _disk,
    "lake": _lake,
    "project settings": _project_settings,
    "prices": _prices,
    "port": _port,
    "keys": _keys,
    "dead letters": _dead_letters,
    "secrets": _secrets,
    "content": _of_traffic(traffic.content),
    "defects": _of_traffic(traffic.defects),
    "balance": _of_traffic(traffic.balance),
    "evaluations": _evaluations,
}
