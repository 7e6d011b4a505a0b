"""The ground: records, the one door to DuckDB, SQL, settings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.lake.store import Lake
else:

    def __getattr__(name: str) -> object:
        """`Lake`, when it is asked for: whoever needs settings or errors alone stays small."""
        if name != "Lake":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from headrace.lake.store import Lake

        return Lake


__all__ = ["Lake"]
