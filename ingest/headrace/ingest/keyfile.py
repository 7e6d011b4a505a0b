"""The file of API keys: read whole, replaced whole, never open to others' hands."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from headrace.ingest import key, naming
from headrace.ingest.errors import BadKeys, UnfitKey, UnknownKey
from headrace.ingest.key import Entry, Key

BYTES = 16 * 1024 * 1024  # about 40,000 keys
NAME_CHARS = 200

State = tuple[int, ...]  # differs whenever the file does


class KeyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the file."""

    version: Literal[1] = 1
    keys: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where two keys share an id."""
        if len({entry.key.id for entry in self.keys}) < len(self.keys):
            raise ValueError("two keys have one id")


def state(path: Path) -> State | None:
    """What to compare for a change, None where there is no file. Raises OSError."""
    try:
        return _state(path.stat())
    except FileNotFoundError:
        return None


def read(path: Path) -> tuple[tuple[Entry, ...], State | None]:
    """The keys of a file with its state; none where there is no file. Raises BadKeys."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            facts = os.fstat(file.fileno())
            _trusted(path, facts)
            text = file.read(BYTES + 1)
    except FileNotFoundError:
        return (), None
    except OSError as error:
        raise BadKeys(
            f"the keys file {str(path)!r} cannot be read ({error.strerror}): let the user that "
            "runs headrace read it (HEADRACE_KEYS names the file)"
        ) from error
    return _decoded(path, text), _state(facts)


def add(path: Path, entry: Entry) -> None:
    """Add a key.

    Raises UnfitKey where its name is taken, or its name or project cannot be used; BadKeys.
    """
    name = entry.key.name
    _check(entry.key)

    def with_it(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if any(name in (other.key.name, other.key.id) for other in entries):
            raise UnfitKey(
                f"a key {name!r} exists: name the new one otherwise, or first "
                f"`headrace key revoke {name}`"
            )
        return (*entries, entry)

    _change(path, with_it)


def _check(new: Key) -> None:
    if not new.name.strip() or not naming.usable(new.name, NAME_CHARS) or "hr_" in new.name:
        raise UnfitKey(
            f"a key's name has 1 to {NAME_CHARS} printable characters, and no hr_ as the text of "
            "keys has"
        )
    if new.project is not None and not naming.usable(new.project, naming.PROJECT_CHARS):
        raise UnfitKey(f"a project has at most {naming.PROJECT_CHARS} printable characters")


def revoke(path: Path, name: str) -> tuple[Entry, int]:
    """Take a key away by id, name or text; gives it and how many are left.

    Raises UnknownKey, BadKeys.
    """
    parts = key.parted(name)
    asked = parts[0] if parts else name  # the text of a key that leaked is good enough
    gone: list[Entry] = []

    def without_it(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        # a name may look like the id of another key: the id counts
        found = [e for e in entries if e.key.id == asked] or [
            e for e in entries if e.key.name == asked
        ]
        if not found:
            raise UnknownKey(f"no key {asked!r}: `headrace key list` shows those there are")
        gone.append(found[0])
        return tuple(entry for entry in entries if entry is not found[0])

    left = _change(path, without_it)
    return gone[0], len(left)


def _change(
    path: Path, work: Callable[[tuple[Entry, ...]], tuple[Entry, ...]]
) -> tuple[Entry, ...]:
    real = path.resolve()  # a link stays one
    try:
        with _alone(real):
            entries = work(read(real)[0])
            _replace(real, msgspec.json.format(msgspec.json.encode(KeyFile(keys=entries))))
    except OSError as error:
        raise BadKeys(
            f"the keys file {str(path)!r} cannot be written ({error.strerror}): name another with "
            "HEADRACE_KEYS; one that is mounted is changed where it comes from"
        ) from error
    return entries


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = path.with_name(f"{path.name}.lock")
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _replace(path: Path, text: bytes) -> None:
    """Whoever reads at whatever moment sees the old file or the new one, whole."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)  # of one that was killed; its mode is not ours to trust
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe would be waited for


def _trusted(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise BadKeys(f"{str(path)!r} is no file: name a keys file with HEADRACE_KEYS")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadKeys(
            f"other users may write {str(path)!r}, and so give themselves keys: "
            f"chmod 600 {str(path)!r}"
        )


def _decoded(path: Path, text: bytes) -> tuple[Entry, ...]:
    try:
        if len(text) > BYTES:
            raise ValueError(f"it has more than {BYTES:,} bytes")
        return msgspec.json.decode(text, type=KeyFile).keys
    except (ValueError, RecursionError) as error:
        said = str(error)  # of a value that does not fit only the place: it may be a secret
        raise BadKeys(
            f"the keys file {str(path)!r} is damaged ({said.partition(' - at ')[2] or said}): "
            "restore it, or move it aside and add the keys anew with `headrace key add`"
        ) from error


def _state(facts: os.stat_result) -> State:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
