"""Is on the Hub what was to be pushed? Read back as its readers will read it."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from headrace.exporters import manifest
from headrace.exporters.errors import HubError
from headrace.exporters.hub.repository import Repository
from headrace.exporters.manifest import Manifest
from headrace.exporters.row import Row
from headrace.exporters.rowfile import SPLITS

Content = Path | bytes


def check_files(hub: Repository, revision: str, sent: Mapping[str, Content]) -> None:
    """Raises HubError where a file of the commit is not the one that was sent."""
    there = hub.files(revision)
    for path, content in sent.items():
        name = there.get(path, "")
        if name != (_sha256(content) if len(name) == 64 else _git_name(content)):
            raise HubError(
                f"{path} in {hub.name} at {revision[:12]} is not what was sent: push again, and "
                "if this is said again, tell us"
            )


def check_rows(hub: Repository, revision: str, made: Manifest) -> None:
    """Load the config as a trainer does and compare every row. Raises HubError."""
    for split in SPLITS:
        expected = [(row.row_id, row.hash) for row in made.rows if row.split == split]
        if expected and _read(hub, revision, made, split) != expected:
            raise HubError(
                f"load_dataset({hub.name!r}, {made.objective!r}, revision={revision[:12]!r}) does "
                f"not give the rows for {split} that were pushed: push again, and if this is said "
                "again, tell us"
            )


def _read(
    hub: Repository, revision: str, made: Manifest, split: str
) -> list[tuple[str, str]] | None:
    """Row ids and hashes in order; None: what is there cannot be read."""
    try:
        return list(_rows(hub, revision, made, split))
    except (ValueError, TypeError, pa.ArrowException):
        return None


def _rows(hub: Repository, revision: str, made: Manifest, split: str) -> Iterator[tuple[str, str]]:
    from datasets import load_dataset

    with TemporaryDirectory() as cache:
        loaded = load_dataset(
            hub.name,
            made.objective,
            revision=revision,
            split=split,
            streaming=True,  # one row after another, none of which stays on this disk
            cache_dir=cache,
            token=hub.api.token,
        )
        for columns in loaded:
            row = Row.read(made.objective, "train", columns)
            yield row.row_id, row.hash


def _sha256(content: Content) -> str:
    return manifest.sha(content) if isinstance(content, bytes) else manifest.sha_of(content)


def _git_name(content: Content) -> str:
    """What git calls a file of this content; the Hub keeps none that is large under such a name."""
    held = content if isinstance(content, bytes) else content.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(held) + held, usedforsecurity=False).hexdigest()
