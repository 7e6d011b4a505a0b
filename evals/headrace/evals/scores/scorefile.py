"""Files of scores: which of them are Inspect logs and which hold rows, also in folders."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.rowfile import SUFFIXES

_PACKED = (".gz", ".zst")
_LOGS = (".eval", ".json")
_NAMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d[:-]\d\d.*")  # as Inspect names a `.json` log


class ScoreFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What was named, folders searched."""

    logs: tuple[Path, ...]
    tables: tuple[Path, ...]
    passed_over: int  # `.json` files in folders that are no logs by their names


def score_files(named: Iterable[Path | str]) -> ScoreFiles:
    """The files named; of a folder, and the folders in it, the Inspect logs, by name.

    Raises ScoresRefused for an ending that tells nothing, and for a folder without logs.
    """
    logs: list[Path] = []
    tables: list[Path] = []
    passed_over = 0
    for path in map(Path, named):
        if path.is_dir():
            inside = list(_inside(path))
            found = [file for file in inside if file.suffix == ".eval" or _NAMED.match(file.name)]
            passed_over += len(inside) - len(found)
            logs += _some(path, found)
        else:
            (tables if _is_table(path) else logs).append(path)
    return ScoreFiles(logs=tuple(logs), tables=tuple(tables), passed_over=passed_over)


def _inside(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.suffix in _LOGS and file.is_file())


def _some(folder: Path, found: list[Path]) -> list[Path]:
    if not found:
        raise ScoresRefused(
            f"{folder}: no Inspect log in this folder: give one with `.eval` files, or `.json` "
            "logs named as Inspect names them; files of rows are named one by one"
        )
    return found


def _is_table(path: Path) -> bool:
    bare = path.with_suffix("") if path.suffix in _PACKED else path
    if bare.suffix in SUFFIXES:
        return True
    if path.suffix in _LOGS:
        return False
    raise ScoresRefused(
        f"{path}: the ending tells nothing about its format; there are: .eval and .json (Inspect "
        f"logs), {', '.join(SUFFIXES)}, each of these also with .gz or .zst"
    )
