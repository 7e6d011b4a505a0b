"""Where DuckDB puts what does not fit into memory: a folder of each open lake, in the home.

Not the system's folder for temporary files, which is often memory itself, and not the working
directory, DuckDB's own choice. A lock on a file in the folder says that its process lives: ids of
processes come again, in a container the same one at every start. What a killed process left is
removed by the next.
"""

import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

LOCK = "lock"


class Place:
    """A folder that is ours until we leave it or end."""

    def __init__(self, folder: Path, held: int) -> None:
        self.folder = folder
        self._held = held

    @classmethod
    def take(cls, home: Path) -> Self:
        """A fresh folder in a home that is there. Raises OSError where none can be made."""
        while True:
            folder = home.absolute() / f"spill-{os.getpid()}-{time.monotonic_ns()}"
            with suppress(FileExistsError):
                folder.mkdir()
                if (held := _held(folder)) is not None:
                    return cls(folder, held)

    def leave(self) -> None:
        """Remove the folder; DuckDB must be closed."""
        if self._held >= 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            held, self._held = self._held, -1
            os.close(held)


def sweep(home: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in home.glob("spill-*-*"):
        try:
            held = _opened(folder)
        except OSError:  # no folder, removed by another by now, or not ours to remove
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(held)


def _opened(folder: Path) -> int:
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


def _held(folder: Path) -> int | None:
    """The lock of a folder of ours, held; None: somebody swept it before that."""
    try:
        held = _opened(folder)
    except FileNotFoundError:
        return None
    fcntl.flock(held, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat((folder / LOCK).stat(), os.fstat(held)):
            return held
    os.close(held)
    return None
