"""Is the folder of a data set still what its manifest says?"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from headrace.exporters import folder, manifest, table
from headrace.exporters.manifest import Manifest
from headrace.exporters.rowfile import SPLITS
from headrace.lake.record import Split


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """Every fault, each naming its file or row."""

    name: str
    version: str
    rows: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


def validate(directory: Path | str) -> Validation:
    """Compare files with their sha256, rows with their hashes, and the version with the rows.

    Raises NotADataset where there is no manifest to compare with.
    """
    place = Path(directory)
    known = Manifest.load(place)
    faults = (*_files(place, known), *_rows(place, known), *_version(known))
    return Validation(name=known.name, version=known.version, rows=len(known.rows), faults=faults)


def _files(place: Path, known: Manifest) -> Iterator[str]:
    found = {file for file in folder.files(place) if not _is_bookkeeping(file)}
    for name in sorted(found | set(known.files)):
        if name not in known.files:
            yield f"extra file: {name}"
        elif name not in found:
            yield f"missing file: {name}"
        elif manifest.sha_of(place / name) != known.files[name]:
            yield f"changed file: {name}"


def _is_bookkeeping(file: str) -> bool:
    """What the Hub and its client put into a download."""
    return file in (manifest.NAME, ".gitattributes") or file.startswith(".cache/huggingface/")


def _rows(place: Path, known: Manifest) -> Iterator[str]:
    for split in SPLITS:
        expected = [(row.row_id, row.hash) for row in known.rows if row.split == split]
        for at, name in enumerate(table.paths(split, len(expected))):
            shard = expected[at * table.SHARD : (at + 1) * table.SHARD]
            yield from _shard(place / name, name, known, split, shard)


def _shard(
    file: Path, name: str, known: Manifest, split: Split, expected: list[tuple[str, str]]
) -> Iterator[str]:
    found: list[tuple[str, str]] = []
    try:
        if file.is_file():
            found += ((row.row_id, row.hash) for row in table.read(file, known.objective, split))
    except (OSError, pa.ArrowException, TypeError) as error:
        yield f"unreadable rows: {name}: {type(error).__name__}"
        return
    if found != expected:
        yield _difference(name, expected, found)


def _difference(name: str, expected: list[tuple[str, str]], found: list[tuple[str, str]]) -> str:
    missing = [row_id for row_id, _ in set(expected) - set(found)]
    extra = [row_id for row_id, _ in set(found) - set(expected)]
    named = sorted({*missing, *extra})[:3]
    return f"changed rows: {name}: {', '.join(named) or 'their order'}"


def _version(known: Manifest) -> Iterator[str]:
    if manifest.version(known.rows, known.recipe) != known.version:
        yield f"changed file: {manifest.NAME}: version {known.version} does not follow from it"
