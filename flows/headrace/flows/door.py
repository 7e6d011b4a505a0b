"""The door to the lake that the steps of a night share: opening one costs more than most steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.lake import Lake


class Door:
    """Opens the lake of a home once, and anew after whatever went wrong with it open."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lake: Lake | None = None

    @contextmanager
    def lake(self) -> Iterator[Lake]:
        """The open lake. Raises NoLake, LakeLocked, and what is raised inside: it is then shut."""
        if self._lake is None:
            self._lake = Lake.open(self._home, create=False)
        try:
            yield self._lake
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        lake, self._lake = self._lake, None
        if lake is not None:
            lake.close()
