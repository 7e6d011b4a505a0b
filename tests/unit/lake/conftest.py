"""The engine with the readable schema and no lake: what costs a commit elsewhere is free here."""

from collections.abc import Iterator
from importlib.resources import files

import duckdb
import pytest


@pytest.fixture(scope="session")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute((files("headrace.lake") / "schema.sql").read_text(encoding="utf-8"))
        yield connection
