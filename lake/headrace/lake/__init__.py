"""The ground: records, the one door to DuckDB, SQL, settings."""

from headrace.lake.store import Lake

__all__ = ["Lake"]
