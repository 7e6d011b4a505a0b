"""How far a night is: told to whoever watches, and to the pages of Prefect."""

import re
from collections.abc import Callable
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from headrace.lake.message import digest

Watch = Callable[[str, str, int, int], None]  # project, step, done, total

LEAST = 2.0  # percent; each report is a request to the server

_PLAIN = re.compile("[^a-z0-9]+")


def unwatched(project: str, step: str, done: int, total: int) -> None:
    """Nobody watches."""


class Meter:
    """The progress of one step over one project."""

    def __init__(self, project: str, step: str, watch: Watch) -> None:
        self._project = project
        self._step = step
        self._watch = watch
        self._artifact: UUID | None = None
        self._said = 0.0

    def __call__(self, done: int, total: int) -> None:
        self._watch(self._project, self._step, done, total)
        percent = 100.0 * done / total if total else 100.0
        if self._artifact is None:
            said = f"{self._step} of {self._project}"
            # both kinds of the function stand behind one name
            self._artifact = cast(UUID, create_progress_artifact(percent, self.key, said))
        elif percent - self._said < LEAST and done < total:
            return
        else:
            update_progress_artifact(self._artifact, percent)
        self._said = percent

    def finished(self) -> None:
        """The step is done, whether it told of parts or not."""
        if self._said < 100:
            self(1, 1)

    @property
    def key(self) -> str:
        """A project may have any name, a key only lower case, digits and dashes."""
        name = _PLAIN.sub("-", self._project.lower()).strip("-")[:40]
        own = name if name == self._project else f"{name}-{digest(self._project)[:8]}".strip("-")
        return f"{self._step.replace('_', '-')}-{own}".rstrip("-")
