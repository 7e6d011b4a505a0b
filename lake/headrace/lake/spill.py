"""Where DuckDB puts what does not fit into memory: a folder of the process, in the home.

Not the system's folder for temporary files, which is often memory itself, and not the working
directory, DuckDB's own choice. DuckDB makes the folder when it first spills and removes it when it
closes; what a killed process left is removed by the next.
"""

import os
import shutil
import time
from pathlib import Path


def place(home: Path) -> Path:
    return home.absolute() / f"spill-{os.getpid()}-{time.monotonic_ns()}"


def sweep(home: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in home.glob("spill-*"):
        if not _lives(folder.name.split("-")[1]):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError, OverflowError):
        return True
    return True
