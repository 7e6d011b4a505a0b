"""What one commit does to a repository, so that it holds this version of a data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from headrace.exporters import manifest
from headrace.exporters.hub import catalog
from headrace.exporters.hub.head import CARD, TRACES, Head
from headrace.exporters.hub.proof import Content
from headrace.exporters.hub.repository import Operation
from headrace.exporters.manifest import Manifest


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every file of the release, and those of the last one that are no longer part."""

    folder: str  # "" or "<objective>/": where the data set lies
    adds: Mapping[str, Content]
    deletes: tuple[str, ...]
    settled: bool  # True: the head holds this version already, whole

    @classmethod
    def of(cls, head: Head, made: Manifest, files: Mapping[str, Path]) -> Self:
        """`files` by their path in the folder of the data set. Raises NotPushed."""
        folder = head.folder_for(made)
        adds: dict[str, Content] = {folder + path: file for path, file in files.items()}
        adds[CARD] = _card(head, folder, files[CARD].read_text(encoding="utf-8")).encode()
        held = head.sets.get(folder)
        same = held is not None and held.version == made.version
        return cls(
            folder=folder,
            adds=adds,
            deletes=tuple(sorted(_old(head, folder) - set(adds))),
            settled=same and set(adds) <= head.paths,
        )

    @property
    def operations(self) -> list[Operation]:
        """For the client, which leaves out what is there already."""
        adds = [
            CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
            for path, content in sorted(self.adds.items())
        ]
        return [*adds, *(CommitOperationDelete(path, is_folder=False) for path in self.deletes)]


def _old(head: Head, folder: str) -> set[str]:
    """What the last release of this data set has put there and is still there."""
    held = head.sets.get(folder)
    if held is None:
        return set()
    known = {folder + path for path in [*held.files, manifest.NAME]}
    traces = {path for path in head.paths if path.startswith(folder + TRACES)}
    return (known | traces) & head.paths


def _card(head: Head, folder: str, page: str) -> str:
    """The card of the whole repository: that of the set at its root, with a config for each."""
    if folder:
        return catalog.joined(head.card, [one.below(folder) for one in catalog.configs(page)])
    mine = {one.name for one in catalog.configs(page)}
    others = [one for one in catalog.configs(head.card) if one.name not in mine]
    return catalog.joined(page, others if head.sets else [])
