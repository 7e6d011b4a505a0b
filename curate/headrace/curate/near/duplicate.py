"""Which episodes are one training example told twice; they are weighed, never deleted."""

from collections.abc import Hashable, Iterable, Iterator

import msgspec

from headrace.curate.component import components


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An episode as far as duplicates are told; None: it has no such unit."""

    episode_id: str
    outcome: str  # its resolution
    request: int | None  # `dup` cluster of U1
    skeleton: str | None  # hash of U2
    transcript: int | None  # `dup` cluster of U3


def duplicates(examples: Iterable[Example]) -> list[list[str]]:
    """Groups of duplicates, each oldest first where the examples are.

    The same outcome, and the same transcript cluster or the same request cluster with the same
    skeleton, of which an empty one shows nothing. A failed and a succeeded run may share nearly
    all of their text: that is the pair mine, so the outcome counts in both branches.
    """
    return components({example.episode_id: _keys(example) for example in examples})


def _keys(example: Example) -> Iterator[Hashable]:
    if example.transcript is not None:
        yield "transcript", example.outcome, example.transcript
    if example.request is not None and example.skeleton:
        yield "request", example.outcome, example.request, example.skeleton
