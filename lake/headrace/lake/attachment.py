"""The lake as DuckDB attaches it: catalog, files, and what keeps the two from meeting."""

import re
from pathlib import Path

import duckdb

from headrace.lake import extension
from headrace.lake.errors import LakeElsewhere, NoLake, SnapshotGone
from headrace.lake.settings import Settings

CATALOGS = {"sqlite": "sqlite_scanner"}  # kind of catalog -> extension; all others are Postgres

_OTHER_DATA = re.compile(r'does not match existing data path in the catalog "(.*)"')


def connect(settings: Settings, *, spills: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB that can reach the lake and spills into a folder. Raises MissingExtension."""
    connection = duckdb.connect()
    connection.execute("set temp_directory = $place", {"place": str(spills)})
    extension.load(connection, "ducklake")
    extension.load(connection, CATALOGS.get(_catalog(settings), "postgres_scanner"))
    if "://" in settings.data_path:
        extension.load(connection, "httpfs")
    return connection


def attach(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    snapshot: int | None = None,
    inlining: bool = True,
    create: bool = True,
) -> None:
    """Attach and enter the lake: as it stood at a snapshot, or to write.

    Without `inlining` small writes become files at once. Raises SnapshotGone, NoLake without
    `create`, LakeElsewhere.
    """
    options = {"data_path": _quoted(settings.data_path)}
    if settings.catalog is None and settings.data is None:
        # Both lie in the home, and files are named from its data folder: it may be moved or copied.
        options |= {"override_data_path": "true"}
    if _catalog(settings) == "sqlite":
        options |= {"meta_journal_mode": "'WAL'", "meta_busy_timeout": "5000"}
    if snapshot is not None:
        options |= {"snapshot_version": str(int(snapshot))}
    if not inlining:
        options |= {"data_inlining_row_limit": "0"}
    if not create:
        options |= {"create_if_not_exists": "false"}
    listed = ", ".join(f"{name} {value}" for name, value in options.items())
    try:
        connection.execute(
            f"attach {_quoted('ducklake:' + settings.catalog_uri)} as lake ({listed})"
        )
    except duckdb.InvalidInputException as error:
        if snapshot is not None and "No snapshot found" in str(error):
            raise SnapshotGone(
                f"the lake no longer knows snapshot {snapshot}: with HEADRACE_RAW_DAYS older ones "
                "go, as raw texts stand in them; a data set built from it is whole in its folder, "
                "and its episodes are in `members` and `scrubbed_episodes` of the lake as it is now"
            ) from error
        if create or "does not exist" not in str(error):
            raise
        raise _no_lake(settings) from error
    except duckdb.Error as error:
        if known := _OTHER_DATA.search(str(error)):
            raise _elsewhere(settings, known[1]) from error
        raise
    enter(connection)


def must_exist(settings: Settings) -> None:
    """Raises NoLake where the catalog is a file that is not there."""
    kind, _, place = settings.catalog_uri.partition(":")
    if kind == "sqlite" and not Path(place).exists():
        raise _no_lake(settings)


def _elsewhere(settings: Settings, known: str) -> LakeElsewhere:
    told = "by HEADRACE_DATA" if settings.data else "as HEADRACE_DATA is not set"
    return LakeElsewhere(
        f"the catalog {settings.catalog_shown!r} has its files in {known!r}, and {told} they are "
        f"looked for in {settings.data_path!r}: set HEADRACE_DATA={known}, and where the files "
        "were moved bring them back there; or name another catalog with HEADRACE_CATALOG"
    )


def _no_lake(settings: Settings) -> NoLake:
    return NoLake(
        f"no lake in {str(settings.home)!r} yet: `headrace serve`, `headrace load` and `headrace "
        "eval load` make one; if yours is elsewhere, name it with --home or HEADRACE_HOME, or put "
        "it back"
    )


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of the lake, to attach it otherwise."""
    connection.execute("use memory")
    connection.execute("detach lake")


def _catalog(settings: Settings) -> str:
    return settings.catalog_uri.partition(":")[0]


def enter(connection: duckdb.DuckDBPyConnection) -> None:
    """Let names stand for the tables of the lake, and times be told in UTC."""
    connection.execute("use lake")
    connection.execute("set timezone = 'UTC'")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
