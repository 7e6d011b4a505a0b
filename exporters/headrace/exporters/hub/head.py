"""What a repository holds before a push: its newest commit, the data sets in it, its card."""

from collections.abc import Mapping

import msgspec

from headrace.exporters import manifest
from headrace.exporters.errors import NotPushed
from headrace.exporters.manifest import Manifest
from headrace.exporters.objective import OBJECTIVES

CARD = "README.md"
TRACES = "traces/"
# what the Hub or its people put into a repository that is otherwise empty
_NOBODYS = frozenset({".gitattributes", ".gitignore", CARD, "LICENSE", "LICENSE.md", "LICENSE.txt"})


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of the manifest of a data set on the Hub, whichever Headrace wrote it."""

    project: str
    name: str
    version: str
    objective: str
    files: Mapping[str, str] = {}

    @classmethod
    def read(cls, content: bytes) -> "Held | None":
        """None: it is no manifest of ours."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as one commit left it."""

    repo: str
    sha: str
    private: bool
    paths: frozenset[str]
    sets: Mapping[str, Held]  # folder of a data set: "", or "kto/" -> what it holds
    card: str = ""

    def folder_for(self, made: Manifest) -> str:
        """Where a data set belongs: the root, or below its objective where another has the root.

        Raises NotPushed where that would overwrite what is not an older version of it.
        """
        for folder, held in self.sets.items():
            if held.objective == made.objective:
                self._check_same(held, made)
                return folder
        if "" in self.sets:
            return f"{made.objective}/"
        if foreign := sorted(path for path in self.paths if not self._ours(path)):
            raise NotPushed(
                f"{self.repo} holds {foreign[0]}, which Headrace did not push there: "
                "name a new repository"
            )
        return ""

    def _check_same(self, held: Held, made: Manifest) -> None:
        if (held.project, held.name) != (made.project, made.name):
            raise NotPushed(
                f"{self.repo} holds {held.name!r} of project {held.project!r} for "
                f"{made.objective}, and a repository has one data set for each objective: "
                f"push {made.name!r} of project {made.project!r} to another one"
            )

    def _ours(self, path: str) -> bool:
        return path in _NOBODYS or any(folder and path.startswith(folder) for folder in self.sets)


def manifests() -> dict[str, str]:
    """Folder of a data set -> where its manifest would lie."""
    return {folder: folder + manifest.NAME for folder in ("", *(f"{o}/" for o in OBJECTIVES))}
