"""The logbook: what the drain tells of its work, in a file beside the spool."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import msgspec

from headrace.ingest.tally import Tally

FILE = "drain.json"

State = Literal["starting", "draining", "waiting", "stopped"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the drain told last; counts are of its process, None is what it could not measure."""

    pid: int
    state: State
    at: datetime
    started_at: datetime
    cause: str | None = None  # the kind of error for which it waits
    committed_at: datetime | None = None  # of the last transaction
    received_at: datetime | None = None  # of the newest body in the lake
    commits: int = 0
    bodies: int = 0
    rows: dict[str, int] = {}  # by table
    seconds: float = 0.0  # spent on reading and writing
    set_aside: int = 0  # dead letters
    dead_letters: int | None = None  # in the lake
    removed: dict[str, int] = {}  # secrets by kind

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """What the drain of a home told; None where it has told nothing that can be read."""
        try:
            return msgspec.json.decode((home / FILE).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError):
            return None


def of_drain(home: Path, tally: Tally) -> Told | None:
    """What the drain that runs now told; None where it told nothing, or none runs."""
    told = Told.read(home)
    kept = tally.drain_restarts is not None
    if told is None or (kept and told.pid != tally.drain_pid):
        return None
    return told


class Logbook:
    """Keeps the file: replaced as a whole, so that no crash leaves half of one.

    A power cut may take the newest figures; nothing but figures is in it.
    """

    def __init__(self, home: Path, *, pid: int, clock: Callable[[], datetime]) -> None:
        self._file = home / FILE
        self._clock = clock
        self._rows: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        now = clock()
        self._told = Told(pid=pid, state="starting", at=now, started_at=now)
        self._write()

    def counted(self, dead_letters: int) -> None:
        """The lake can be read; so many dead letters are in it."""
        self._tell(state="draining", cause=None, dead_letters=dead_letters)

    def committed(
        self,
        *,
        bodies: int,
        received_at: datetime,
        rows: Mapping[str, int],
        set_aside: int,
        seconds: float,
        removed: Mapping[str, int] | None = None,
    ) -> None:
        """A transaction is in the lake: of so many bodies, the newest received then."""
        told, now = self._told, self._clock()
        self._rows.update(rows)
        self._removed.update(removed or {})
        self._tell(
            state="draining",
            committed_at=now,
            received_at=received_at,
            commits=told.commits + 1,
            bodies=told.bodies + bodies,
            rows=dict(self._rows),
            seconds=told.seconds + seconds,
            set_aside=told.set_aside + set_aside,
            dead_letters=None if told.dead_letters is None else told.dead_letters + set_aside,
            removed=dict(self._removed),
        )

    def waits(self, cause: str) -> None:
        """Something is in the way; what is in the lake is not known for the time."""
        self._tell(state="waiting", cause=cause, dead_letters=None)

    def stopped(self) -> None:
        """The process ends because it was asked to."""
        self._tell(state="stopped")

    def _tell(self, **changed: object) -> None:
        self._told = msgspec.structs.replace(self._told, at=self._clock(), **changed)
        self._write()

    def _write(self) -> None:
        draft = self._file.with_suffix(".draft")
        try:
            draft.write_bytes(msgspec.json.encode(self._told))
            draft.replace(self._file)
        except OSError:  # a full disk: the drain makes room, its figures can wait
            return
