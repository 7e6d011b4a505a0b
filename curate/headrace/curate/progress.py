"""How far a step is, for whoever watches."""

from typing import Protocol


class Progress(Protocol):
    """Is told after each part of the work; `total` may grow, `done` never falls."""

    def __call__(self, done: int, total: int) -> None: ...


def silent(done: int, total: int) -> None:
    """Nobody watches."""
