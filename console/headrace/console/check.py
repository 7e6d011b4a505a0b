"""What `headrace doctor` looks at: this machine, the lake, and what has come in."""

import shutil
import socket
import sys
from collections.abc import Callable, Mapping, Sequence

import duckdb
import msgspec

from headrace.console import traffic
from headrace.console.page import cell
from headrace.console.traffic import State, Told
from headrace.curate.price import Prices
from headrace.ingest import keyfile
from headrace.ingest.replay import Remaining, remaining
from headrace.lake import Lake, extension
from headrace.lake import project as project_settings
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import MIB, Settings, make_home
from headrace.lake.statement import statements

Found = tuple[State, str] | Told

LOW_DISK = 1024 * MIB


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing looked at; `look` is worth a person's time, `fail` stops work."""

    name: str
    state: State
    said: str
    lines: tuple[str, ...] = ()
    rows: Sequence[object] = ()  # what the lines say, for machines


def check(name: str, settings: Settings) -> Check:
    """What a check of `CHECKS` finds; what it cannot look at has failed."""
    try:
        found = CHECKS[name](settings)
    except (HeadraceError, duckdb.Error, OSError) as error:
        found = "fail", str(error)
    if isinstance(found, Told):
        return Check(name=name, **msgspec.structs.asdict(found))
    state, said = found
    return Check(name=name, state=state, said=said)


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
    told = "; ".join(letter(row) for row in letters)
    return "look", f"{told}. After an upgrade or a fix: headrace doctor --replay"


def letter(row: Remaining) -> str:
    """Dead letters of one signal and reason, in one line."""
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
