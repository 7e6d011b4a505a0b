"""The keys in force in a running sidecar: read again when their file changes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from headrace.ingest import keyfile
from headrace.ingest.errors import BadKeys
from headrace.ingest.key import Entry

LOOK_S = 0.5  # between two looks at the file: well below a second from a change to its effect

log = structlog.get_logger("headrace.ingest")


class Keyring:
    """Belongs to one event loop; a look costs a stat, and the file is read when that differs.

    A file that can no longer be read leaves the last keys in force: who is let in must not depend
    on half a file, neither by opening the door nor by losing the traffic of everybody. A file that
    is gone has no keys. Once there were keys, a request without one is refused until a restart.
    """

    def __init__(self, path: Path, *, demanded: bool, clock: Callable[[], float]) -> None:
        """Raises BadKeys where the file cannot be read, or is demanded and absent."""
        self._path = path
        self._clock = clock
        self._next = clock() + LOOK_S
        self._fault = ""
        entries, self._seen = keyfile.read(path)
        if demanded and self._seen is None:
            raise BadKeys(
                f"the keys file {str(path)!r} that HEADRACE_KEYS names does not exist: mount it, "
                "make it with `headrace key add`, or unset HEADRACE_KEYS"
            )
        self.entries: Mapping[str, Entry] = {entry.key.id: entry for entry in entries}
        self.required = bool(entries)

    def look(self) -> None:
        """Notice a change within `LOOK_S`; most calls only read a clock."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LOOK_S
        try:
            if keyfile.state(self._path) != self._seen:
                entries, self._seen = keyfile.read(self._path)
                self._take(entries)
        except (BadKeys, OSError) as error:
            self._complain(str(error))

    def _take(self, entries: tuple[Entry, ...]) -> None:
        self._fault = ""
        # what stays the same stays the same object, and need not be verified again
        old = {entry: entry for entry in self.entries.values()}
        self.entries = {entry.key.id: old.get(entry, entry) for entry in entries}
        self.required = self.required or bool(entries)
        log.info("keys_changed", in_force=len(entries))

    def _complain(self, fault: str) -> None:
        self._seen = ()  # no file is like that: it is read again until it can be
        if fault != self._fault:
            log.error("keys_unreadable", in_force=len(self.entries), error=fault)
        self._fault = fault
