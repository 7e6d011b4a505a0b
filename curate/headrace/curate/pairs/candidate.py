"""Which episodes may stand against each other, found without reading a text.

Partners share side of the split, system prompt, tools and the wording of the request. An equal
*masked* request is one shape of request and not one prompt: "Paris to Rome" has the shape of "Rome
to Paris". Whether they also saw the same until they part, their texts tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Literal

import msgspec

from headrace.curate.pairs.side import Side

Kind = Literal["correction", "retry", "replay", "across"]
KINDS: tuple[Kind, ...] = ("correction", "retry", "replay", "across")  # the best first

PER_SIDE = 16  # successes, and failures, of one wording that are compared
TRIED = 256  # candidates of one request whose texts are read

# What partners must share, as the reason told where it differs, in the order asked.
DIFFERS = ("other_split", "other_context", "slots_differ", "other_prompt")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A success and a failure that may have had one prompt."""

    chosen: Side
    rejected: Side

    @property
    def names(self) -> tuple[str, str]:
        return self.chosen.episode_id, self.rejected.episode_id

    @property
    def margin(self) -> float | None:
        """How much surer the one was to succeed; None where marks decided."""
        one, other = self.chosen.p, self.rejected.p
        return None if one is None or other is None else one - other

    @property
    def kind(self) -> Kind:
        one, other = self.chosen, self.rejected
        if one.conversation_id is not None and one.conversation_id == other.conversation_id:
            return "retry"
        users = {one.user_id, other.user_id} - {None}
        answered_by = (one.model, one.release), (other.model, other.release)
        return "replay" if len(users) < 2 and answered_by[0] != answered_by[1] else "across"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why two episodes make no pair."""

    reason: str
    one: str
    other: str


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """Of one request: whom to compare, who has no partner, and who is one of too many."""

    tried: tuple[Candidate, ...]  # in the order of preference
    refused: tuple[Refusal, ...]
    crowded: tuple[str, ...]


def candidates(sides: Iterable[Side]) -> Candidates:
    """The candidates among the resolved episodes of one request; in any order the same."""
    everyone = sorted(sides, key=lambda side: side.episode_id)
    found = [
        candidate for group in _groups(everyone, len(DIFFERS)) for candidate in _opposites(group)
    ]
    tried = _preferred(found)[:TRIED]
    asked = {name for candidate in tried for name in candidate.names}
    refused = tuple(_strangers(everyone))
    told = asked | {refusal.one for refusal in refused}
    left = [side.episode_id for side in everyone if side.episode_id not in told]
    opposed = len({side.good for side in everyone}) > 1
    return Candidates(tried=tuple(tried), refused=refused, crowded=tuple(left) if opposed else ())


def _opposites(group: Sequence[Side]) -> Iterator[Candidate]:
    good, bad = ([side for side in group if side.good is wanted] for wanted in (True, False))
    talks = _shared(good, bad)
    for chosen, rejected in product(_first(good, talks), _first(bad, talks)):
        yield Candidate(chosen=chosen, rejected=rejected)


def _shared(good: Iterable[Side], bad: Iterable[Side]) -> set[str | None]:
    """Conversations in which one answer failed and another did not."""
    return ({s.conversation_id for s in good} & {s.conversation_id for s in bad}) - {None}


def _first(half: Sequence[Side], retried: set[str | None]) -> list[Side]:
    """At most 16 of one outcome: those retried, then the latest of each model in turn."""
    turn: Counter[object] = Counter()
    places = {}
    for side in sorted(half, key=_age):
        made_by = side.model, side.release
        places[side.episode_id] = (side.conversation_id not in retried, turn[made_by])
        turn[made_by] += 1
    by_age = sorted(half, key=_age)
    return sorted(by_age, key=lambda side: places[side.episode_id])[:PER_SIDE]


def _age(side: Side) -> tuple[bool, int, str]:
    """Sorts the latest first; one without a time comes last."""
    return side.started_at is None, -(side.started_at or 0), side.episode_id


def _preferred(found: Iterable[Candidate]) -> list[Candidate]:
    """The best kind first; in it models in turn, the surer pair first, the rest by name."""
    by_margin = sorted(found, key=lambda c: (KINDS.index(c.kind), -(c.margin or 0), c.names))
    turn: Counter[object] = Counter()
    placed = []
    for place, candidate in enumerate(by_margin):
        one, other = candidate.chosen, candidate.rejected
        made_by = candidate.kind, one.model, one.release, other.model, other.release
        placed.append((KINDS.index(candidate.kind), turn[made_by], place))
        turn[made_by] += 1
    return [by_margin[place] for *_, place in sorted(placed)]


def _groups(sides: Iterable[Side], depth: int) -> list[list[Side]]:
    """The sides that share the first `depth` of what partners must share."""
    groups: dict[object, list[Side]] = defaultdict(list)
    for side in sides:
        groups[_key(side, depth)].append(side)
    return list(groups.values())


def _key(side: Side, depth: int) -> object:
    return (side.split, side.context, side.wording, side.words)[:depth]


def _strangers(everyone: Sequence[Side]) -> Iterator[Refusal]:
    """For each side without an opposite in its group: the nearest opposite, and what differs."""
    waiting = everyone
    for depth in range(len(DIFFERS), -1, -1):
        first = {(_key(side, depth), side.good): side for side in reversed(everyone)}
        found = [(side, first.get((_key(side, depth), not side.good))) for side in waiting]
        waiting = [side for side, other in found if other is None]
        if depth < len(DIFFERS):
            yield from (
                Refusal(reason=DIFFERS[depth], one=side.episode_id, other=other.episode_id)
                for side, other in found
                if other
            )
