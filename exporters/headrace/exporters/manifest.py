"""The file that lets anyone reproduce and audit a data set: what is in it and where it is from."""

from collections.abc import Mapping
from hashlib import file_digest, sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Self

import msgspec
import pyarrow.parquet as pq

from headrace.curate.silver.measure import Measured
from headrace.exporters.errors import NotADataset
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.objective import Objective
from headrace.exporters.recipe import Recipe
from headrace.exporters.rowfile import Entry
from headrace.lake.message import digest, dump
from headrace.lake.record import Split

NAME = "manifest.json"


class Scrubbing(msgspec.Struct, frozen=True, kw_only=True):
    """How personal data were taken out, and what is known of what was not seen."""

    rules: Mapping[str, int]  # version of the rules -> episodes in rows
    places: Mapping[str, int]  # kind -> places that were replaced in them
    measured: Measured


class Splitting(msgspec.Struct, frozen=True, kw_only=True):
    """How training and evaluation were kept apart."""

    rules: str  # version of the rules
    groups: Mapping[str, int]  # split -> groups of episodes that could give an answer away


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows were chosen, in counts of episodes."""

    episodes: int
    drops: Mapping[str, int]  # reason -> episodes; with the episodes in rows they are all
    outcomes: Mapping[str, Mapping[str, int]]  # split -> source of the outcome -> episodes
    dedupe: Mapping[str, int]  # reason -> episodes
    decontaminate: Mapping[str, int]
    suites: Mapping[str, int]  # suite -> cases compared with
    leaks: int  # episodes found by the last check, accepted by the recipe
    verdict: str | None = None  # readiness when first built
    scrub: Scrubbing | None = None  # None: built before there was a scrub
    suite_hashes: Mapping[str, str] = {}  # suite -> sha256 of its cases and their scorers
    scorers: Mapping[str, tuple[str, ...]] = {}  # suite -> those of its cases
    split: Splitting | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`; `version` follows from rows and recipe, from nothing else."""

    project: str
    name: str
    version: str
    objective: Objective
    recipe: Recipe
    snapshot_id: int  # of the lake, when this version was first built
    rows: tuple[Entry, ...]  # by row id
    audit: Audit
    formats: tuple[LossReport, ...]  # what each has written of the rows, and what it lost
    libraries: Mapping[str, str]
    files: Mapping[str, str]  # path -> sha256, this file apart
    parent: str | None = None  # the version of this name that was built before
    records: Mapping[str, int] = {}  # file of rows -> how many it holds
    lengths: Mapping[Split, tuple[int, ...]] = {}  # at n: rows of less than 2 ** n tokens

    @property
    def splits(self) -> dict[Split, int]:
        """Rows of each side."""
        sides = [row.split for row in self.rows]
        return {"train": sides.count("train"), "test": sides.count("test")}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The manifest of a data set's folder. Raises NotADataset."""
        try:
            return msgspec.json.decode((folder / NAME).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotADataset(
                f"{folder} holds no readable {NAME}: name a folder written by "
                "`headrace dataset build`"
            ) from error

    def encode(self) -> bytes:
        """The file: keys in the order above, so that the same manifest is the same bytes."""
        fields = {**msgspec.structs.asdict(self), "recipe": self.recipe.said}
        return msgspec.json.format(msgspec.json.encode(fields, order="sorted"), indent=1) + b"\n"


def version(rows: tuple[Entry, ...], recipe: Recipe) -> str:
    """16 hex digits that follow from rows, their sides and the recipe alone."""
    return digest(dump([msgspec.to_builtins(rows), recipe.said]))[:16]


def sha(content: bytes) -> str:
    return sha256(content).hexdigest()


def sha_of(file: Path) -> str:
    """The same of a file, which need not fit into memory."""
    with file.open("rb") as source:
        return file_digest(source, "sha256").hexdigest()


def libraries() -> dict[str, str]:
    """The versions that wrote the bytes."""
    return {name: installed(name) for name in ("headrace", "huggingface_hub", "msgspec", "pyarrow")}


def records(folder: Path) -> dict[str, int]:
    """File of rows -> how many it holds, of every such file below a folder."""
    found = {}
    for file in sorted(folder.rglob("*.*")):
        if file.suffix == ".parquet":
            found[file.relative_to(folder).as_posix()] = pq.read_metadata(file).num_rows
        elif file.suffix == ".jsonl":
            with file.open("rb") as lines:
                found[file.relative_to(folder).as_posix()] = sum(1 for _ in lines)
    return found
