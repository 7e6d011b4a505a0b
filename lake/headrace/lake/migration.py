"""Migrations: the way from an older lake to the schema of this version."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from headrace.lake.errors import LakeTooNew
from headrace.lake.settings import make_home
from headrace.lake.statement import statements

_PACKAGE = "headrace.lake"


def names() -> list[str]:
    """The migrations of this version, oldest first."""
    found = (file.name for file in files(_PACKAGE).joinpath("migrations").iterdir())
    return sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql"))


def text(name: str) -> str:
    return (files(_PACKAGE) / "migrations" / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the one file lock under which a lake is made, migrated and opened."""
    make_home(home)
    with (home / "schema.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pending(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The migrations that this lake lacks; all of them where it is fresh.

    Raises LakeTooNew where the lake holds one that this version does not know.
    """
    sql = statements(_PACKAGE)
    tables = {row[0] for row in connection.execute(sql["tables"]).fetchall()}
    if "migrations" not in tables:
        return names()
    applied = [row[0] for row in connection.execute(sql["applied_migrations"]).fetchall()]
    if unknown := sorted(set(applied) - set(names())):
        raise LakeTooNew(
            f"this lake knows {unknown[-1]!r}, this Headrace only {names()[-1]!r}: "
            "upgrade with `pip install -U headrace`"
        )
    return [name for name in names() if name not in applied]


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring a lake to the schema of this version, one transaction per migration.

    The connection must be attached without inlining: DuckLake refuses to create a table with a
    column `row_id` where small inserts are inlined into the catalog.
    """
    for name in pending(connection):
        connection.execute("begin")
        connection.execute(statements(_PACKAGE)["create_migrations"])
        connection.execute(text(name))
        connection.execute(
            statements(_PACKAGE)["mark_migration"], {"name": name, "at": datetime.now(UTC)}
        )
        connection.execute("commit")
