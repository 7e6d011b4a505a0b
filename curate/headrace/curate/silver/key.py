"""The key of a project, under which its surrogates are drawn; it never enters the lake.

It is made when it is first needed and lies in the home, or follows from the one that
HEADRACE_SCRUB_KEY gives to several machines. Who deletes it cuts the tie between surrogates and
values for good: new episodes of the project can then no longer be scrubbed alike.
"""

import hmac
import os
import secrets
import stat
import tempfile
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from headrace.curate.errors import ScrubKeyError
from headrace.lake.message import digest
from headrace.lake.record import ScrubKey
from headrace.lake.settings import KEY_BYTES, Settings, key_bytes
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

FOLDER = "scrub"
_SHOWN = 60  # characters of a project's name in that of its file


def key_of(lake: Lake, project: str) -> bytes:
    """The key of a project, made where it has none yet.

    Raises ScrubKeyError where it is damaged, open to others, cannot be stored, or is not the one
    that the project was scrubbed under.
    """
    known = fingerprints(lake, project)
    key = _given(lake.settings, project) or _stored(lake.settings.home, project, fresh=not known)
    check(lake.settings, project, key, known)
    return key


def fingerprints(lake: Lake, project: str) -> list[str]:
    """Of the keys that a project was scrubbed under: one, or none yet."""
    rows = lake.rows(_sql("fingerprints"), {"project": project})
    return [row["fingerprint"] for row in rows]


def fingerprint(key: bytes) -> str:
    """What tells a key from another, and lets nobody test a guess of a value."""
    return hmac.digest(key, b"headrace scrub: fingerprint", "sha256").hex()[:32]


def check(settings: Settings, project: str, key: bytes, known: list[str]) -> None:
    """Raises ScrubKeyError where a project was scrubbed under another key."""
    strange = [name for name in known if name != fingerprint(key)]
    if strange:
        raise ScrubKeyError(
            f"project {project!r} was scrubbed under the key {strange[0][:8]} and "
            f"{_source(settings, project)} holds {fingerprint(key)[:8]} (fingerprints): bring the "
            "first key back, as one value must not get two surrogates"
        )


def mark(tx: Transaction, settings: Settings, project: str, key: bytes, *, now: datetime) -> None:
    """Hold within a transaction that the project is scrubbed under this key. Raises as `check`."""
    rows = tx.run(_sql("fingerprints"), {"project": project})
    check(settings, project, key, [name for (name,) in rows])
    if not rows:
        row = ScrubKey(project=project, fingerprint=fingerprint(key), at=now)
        tx.append("scrub_keys", [row])


def place(home: Path, project: str) -> Path:
    """The file of a project's key; whoever sends traces chooses its name, `../..` included."""
    return home / FOLDER / f"{quote(project, safe='')[:_SHOWN]}~{digest(project)[:16]}.key"


def lay(home: Path, project: str, key: bytes) -> None:
    """Put a key where that of a project is looked for, unless one lies there.

    Raises ScrubKeyError for fewer than 32 bytes.
    """
    if len(key) < KEY_BYTES:
        raise ScrubKeyError(f"a key of {len(key)} bytes: give {KEY_BYTES} or more")
    path = place(home, project)
    if not path.exists():
        _make(path, key)


def _given(settings: Settings, project: str) -> bytes | None:
    """The project's key from the one for all of them."""
    if settings.scrub_key is None:
        return None
    of_all = key_bytes(settings.scrub_key.get_secret_value())
    return hmac.digest(of_all, f"headrace scrub: project\0{project}".encode(), "sha256")


def _stored(home: Path, project: str, *, fresh: bool) -> bytes:
    path = place(home, project)
    try:
        if not path.exists():
            if not fresh:
                raise _lost(project, path)
            _make(path, secrets.token_bytes(KEY_BYTES))
        return _read(path)
    except OSError as error:
        raise ScrubKeyError(
            f"the key {str(path)!r} of project {project!r} cannot be used ({error.strerror}): let "
            "the user that runs headrace read and write that folder, or set HEADRACE_SCRUB_KEY"
        ) from error


def _make(path: Path, key: bytes) -> None:
    """Write a key whole, unless another process was quicker: then its key stands."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.", suffix=".draft")
    try:
        with os.fdopen(number, "w") as file:  # mkstemp opens for its owner alone
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        os.unlink(draft)
    for folder in (path.parent, path.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _read(path: Path) -> bytes:
    with path.open() as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ScrubKeyError(
                f"other users may read or write the key {str(path)!r}: chmod 600 {str(path)!r}"
            )
        key = key_bytes(file.read(4 * KEY_BYTES))
    if len(key) < KEY_BYTES:
        raise ScrubKeyError(
            f"the key {str(path)!r} is damaged: it should hold {2 * KEY_BYTES} hex digits. Bring "
            "it back from a copy; under another key one value would get two surrogates"
        )
    return key


def _lost(project: str, path: Path) -> ScrubKeyError:
    return ScrubKeyError(
        f"project {project!r} was scrubbed before, and its key {str(path)!r} is gone: bring the "
        "file back, or set HEADRACE_SCRUB_KEY to what it was then. What was scrubbed stands; "
        "nothing new can be scrubbed alike"
    )


def _source(settings: Settings, project: str) -> str:
    if settings.scrub_key is not None:
        return "HEADRACE_SCRUB_KEY"
    return repr(str(place(settings.home, project)))


def _sql(name: str) -> str:
    return statements("headrace.curate", "scrubbing.sql")[name]
