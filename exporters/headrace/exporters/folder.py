"""A data set's folder: it appears whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from os.path import realpath
from pathlib import Path

from headrace.exporters import manifest
from headrace.exporters.errors import NotADataset, Unwritable
from headrace.exporters.manifest import Manifest


def files(folder: Path) -> list[str]:
    """Every file below a folder by relative path, in order."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def place(out: Path | str) -> Path:
    """The folder that `out` leads to, links followed, and free to be written.

    Raises Unwritable, NotADataset.
    """
    with writing(out):
        found = Path(realpath(out))  # `resolve` fails on links in a circle with a RuntimeError
        if Path.cwd().is_relative_to(found):
            raise NotADataset(
                f"{out} is the working directory or holds it: name a folder below or beside it"
            )
        check_free(found)
    return found


@contextmanager
def writing(out: Path | str) -> Iterator[None]:
    """Say what the disk refuses in one sentence. Raises Unwritable."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise Unwritable(f"{out} cannot be written: {why}: name another folder") from error


def check_free(out: Path) -> None:
    """Raises NotADataset where anything stands that Headrace did not write."""
    if not out.exists():
        return
    if not out.is_dir():
        raise NotADataset(f"{out} is a file: name a folder")
    foreign = _foreign(out)
    if foreign is not None:
        raise NotADataset(
            f"{out} holds {foreign}, which Headrace did not write there: "
            "name an empty or a new folder"
        )


def check_owner(out: Path, project: str, name: str) -> None:
    """Raises NotADataset where another data set stands: a build would put it away."""
    try:
        there = Manifest.load(out)
    except NotADataset:
        return
    if (there.project, there.name) != (project, name):
        raise NotADataset(
            f"{out} holds the data set {there.name!r} of project {there.project!r}: name another "
            "folder, or remove that one first"
        )


def _foreign(out: Path) -> str | None:
    """The first file that no data set put there: a build would delete it."""
    try:
        ours = {manifest.NAME, *Manifest.load(out).files}
    except NotADataset:
        ours = set()
    return next((name for name in _entries(out) if name not in ours), None)


def _entries(out: Path, under: str = "") -> Iterator[str]:
    """All below a folder that is lost with it, links too. Raises OSError where it is unreadable."""
    for entry in sorted(out.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _entries(entry, f"{under}{entry.name}/")
        else:
            yield under + entry.name


@contextmanager
def fresh(out: Path) -> Iterator[Path]:
    """A folder beside `out` to be filled; what it holds at the end takes the place of `out`.

    Left empty, or by an exception, `out` does not change. Raises Unwritable, also while another
    build has `out`.
    """
    old = out.parent / f".{out.name}.old"
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        if old.exists() and not out.exists():
            old.rename(out)  # a crash came between the two renames below
    with _beside(out) as made:
        yield made
        if any(made.iterdir()):
            with writing(out):
                _swap(made, out, old)


def _swap(fresh: Path, out: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder next to `out`, on the same disk, ours alone, empty before (a crash may have left
    something) and gone after."""
    place = out.parent / f".{out.name}.partial"
    with writing(out):
        held = _locked(out, place)
        for entry in place.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    try:
        yield place
    finally:
        if _is(place, held):
            shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def _locked(out: Path, place: Path) -> int:
    """The folder, made where it is absent, locked until it is closed or this process ends."""
    while True:
        place.mkdir(exist_ok=True)
        held = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flock(held, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            os.close(held)
            raise Unwritable(
                f"{out} is being written by another build: wait for it or name another folder"
            ) from error
        if _is(place, held):
            return held
        os.close(held)  # the other build had just put it into its place


def _is(place: Path, held: int) -> bool:
    try:
        return os.path.samestat(place.stat(), os.fstat(held))
    except FileNotFoundError:
        return False
