"""Votes on whether an episode went well: append-only, each by somebody, of some family."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from headrace.curate.errors import VoteError
from headrace.lake.record import Source

Voter = tuple[str, str, str | None]  # source, name, author: a later vote of the same one stands
Families = Mapping[str, str]  # witness -> family, for families found after the votes were cast
NO_FAMILIES: Families = MappingProxyType({})


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One vote on one episode. Raises VoteError for a value other than 0, 1 or None."""

    episode_id: str
    name: str  # what was asked: thumb, refund, politeness
    source: Source
    at: datetime
    value: int | None  # 1: it went well, 0: it did not; None: the voter takes the earlier vote back
    family: str | None = None  # those who err together: one model, one prompt
    author: str | None = None

    def __post_init__(self) -> None:
        if self.value not in (0, 1, None):
            raise VoteError(
                f"vote {self.name!r} on episode {self.episode_id!r} is {self.value!r}: "
                "give 1 (went well), 0 (did not) or None (taken back)"
            )

    @property
    def voter(self) -> Voter:
        return self.source, self.name, self.author

    def witness(self, families: Families = NO_FAMILIES) -> str:
        """Who counts once: the family where one is declared, else source and name."""
        return self.family or families.get(own := f"{self.source}/{self.name}", own)


class Standing(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A vote that stands: the latest of its voter."""

    episode_id: str
    witness: str
    value: int
    familial: bool  # cast for a family: its members count once together


def standing(votes: Iterable[Vote], families: Families = NO_FAMILIES) -> list[Standing]:
    """The votes that stand, sorted, whatever the order in which they came.

    Of one voter on one episode the latest stands. Opposite ones of the same moment cancel.
    """
    latest: dict[tuple[str, Voter], Vote] = {}
    torn: set[tuple[str, Voter]] = set()
    for vote in sorted(votes, key=lambda vote: vote.family or ""):
        key = vote.episode_id, vote.voter
        known = latest.get(key)
        if known is None or vote.at > known.at:
            latest[key] = vote
            torn.discard(key)
        elif vote.at == known.at and vote.value != known.value:
            torn.add(key)
    kept = ((vote, vote.witness(families)) for key, vote in latest.items() if key not in torn)
    return sorted(
        Standing(
            episode_id=vote.episode_id,
            witness=witness,
            value=vote.value,
            familial=witness != f"{vote.source}/{vote.name}",
        )
        for vote, witness in kept
        if vote.value is not None
    )


def pooled(votes: Iterable[Standing]) -> list[Standing]:
    """One vote of a family on an episode where its members agree, none where they do not.

    Voters without a family each keep their vote: two strangers who agree are two witnesses.
    """
    single: list[Standing] = []
    pools: dict[tuple[str, str], Standing | None] = {}
    for vote in votes:
        key = vote.episode_id, vote.witness
        if not vote.familial:
            single.append(vote)
        elif key not in pools:
            pools[key] = vote
        elif (known := pools[key]) is not None and known.value != vote.value:
            pools[key] = None
    return sorted([*single, *(vote for vote in pools.values() if vote is not None)])
