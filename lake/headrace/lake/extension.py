"""DuckDB extensions: the wheel's file first, the download as a fallback."""

import importlib
from pathlib import Path

import duckdb

from headrace.lake.errors import MissingExtension

WHEELS = {
    "ducklake": "duckdb-extension-ducklake",
    "sqlite_scanner": "duckdb-extension-sqlite-scanner",
    "postgres_scanner": "duckdb-extension-postgres-scanner",
    "httpfs": "duckdb-extension-httpfs",
}


def load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension of `WHEELS`.

    Raises MissingExtension with the line to type where neither way works.
    """
    file = wheel_file(name)
    try:
        if file is not None:
            connection.load_extension(str(file))
        else:
            connection.install_extension(name)
            connection.load_extension(name)
    except duckdb.Error as error:
        raise MissingExtension(
            f"DuckDB's extension {name!r} is missing and could not be downloaded: "
            f"pip install {WHEELS[name]}=={duckdb.__version__}"
        ) from error


def wheel_file(name: str) -> Path | None:
    """The extension's file inside its wheel, or None where the wheel is not installed."""
    module = WHEELS[name].replace("-", "_")
    try:
        folder = Path(importlib.import_module(module).__path__[0])
    except ModuleNotFoundError:
        return None
    return next(folder.rglob(f"{name}.duckdb_extension"), None)
