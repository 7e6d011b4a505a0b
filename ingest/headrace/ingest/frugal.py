"""What the drain goes without, so that it and the receiver fit beside an agent."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# Of glibc and Arrow: what a batch took is given back, and not kept for each thread. Together they
# are 50 MB of the drain's peak.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "2000000",
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class _Absent(MetaPathFinder):
    """Lets modules look as if they were not installed."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self._names:
            raise ModuleNotFoundError(f"{fullname} is not used here", name=fullname)
        return None


def do_without_pandas() -> None:
    """DuckDB imports it at the first parameter wherever it is installed: 45 MB for nothing."""
    sys.meta_path.insert(0, _Absent("pandas"))
