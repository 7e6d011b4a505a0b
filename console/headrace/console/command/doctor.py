"""`headrace doctor`: is this machine able, and does the traffic carry what training needs?"""

import shutil
import socket
import sys
from collections.abc import Callable
from typing import Literal

import duckdb
import msgspec
import typer

from headrace.console.option import AsJson, Home
from headrace.console.page import page, print_json, table
from headrace.lake import Lake, extension
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import MIB, Settings
from headrace.lake.statement import statements

State = Literal["ok", "look", "fail"]
LOW_DISK = 1024 * MIB
MARK = {"ok": "[green]ok[/]", "look": "[yellow]look[/]", "fail": "[red]fail[/]"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `look` is worth a person's time, `fail` stops work."""

    name: str
    state: State
    said: str


def doctor(home: Home = None, json: AsJson = False) -> None:
    """Check this machine and what has come in; exit 1 where something stops work."""
    settings = Settings.load(home)
    found = [check(settings) for check in CHECKS]
    if json:
        print_json(found)
    else:
        rows = [(MARK[check.state], check.name, check.said) for check in found]
        page().print(table("", ["", "", ""], rows))
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)


def _python(_: Settings) -> Check:
    state: State = "ok" if sys.version_info >= (3, 11) else "fail"
    return Check(name="python", state=state, said=sys.version.split()[0])


def _extensions(settings: Settings) -> Check:
    try:
        with duckdb.connect() as connection:
            for name in ("ducklake", "sqlite_scanner"):
                extension.load(connection, name)
    except HeadraceError as error:
        return Check(name="duckdb", state="fail", said=str(error))
    return Check(name="duckdb", state="ok", said=f"{duckdb.__version__}, extensions load")


def _disk(settings: Settings) -> Check:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free
    state: State = "ok" if free > LOW_DISK else "look"
    return Check(name="disk", state=state, said=f"{free // MIB:,} MiB free at {settings.home}")


def _lake(settings: Settings) -> Check:
    try:
        with Lake.open(settings=settings) as lake:
            return Check(name="lake", state="ok", said=f"opens, snapshot {lake.snapshot_id}")
    except (HeadraceError, duckdb.Error) as error:
        return Check(name="lake", state="fail", said=str(error))


def _port(settings: Settings) -> Check:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    said = "something listens" if taken else "free: no sidecar runs, start `headrace serve`"
    state: State = "ok" if taken else "look"
    return Check(name="port", state=state, said=f"{settings.host}:{settings.port} {said}")


def _dead_letters(settings: Settings) -> Check:
    with Lake.open(settings=settings) as lake:
        rows = lake.rows(statements("headrace.console")["dead_letters"])
    if not rows:
        return Check(name="dead letters", state="ok", said="none")
    said = "; ".join(f"{row['bodies']} {row['signal']}: {row['reason']}" for row in rows[:5])
    return Check(name="dead letters", state="look", said=said)


def _content(settings: Settings) -> Check:
    with Lake.open(settings=settings) as lake:
        rows = lake.rows(statements("headrace.console")["without_content"])
    if not rows:
        return Check(name="content", state="ok", said="no LLM call lacks its messages")
    said = "; ".join(
        f"{row['empty']} of {row['calls']} LLM calls of {row['service'] or 'an unnamed service'} "
        "carry no content: turn content capture on in its instrumentation"
        for row in rows
    )
    return Check(name="content", state="look", said=said)


CHECKS: tuple[Callable[[Settings], Check], ...] = (
    _python,
    _extensions,
    _disk,
    _lake,
    _port,
    _dead_letters,
    _content,
)
