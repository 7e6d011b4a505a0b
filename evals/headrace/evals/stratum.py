"""Which requests become cases: a few of every intent first, failures and a random rest."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

import msgspec

from headrace.lake.message import digest

ENOUGH = 5  # cases of an intent, before traffic decides who gets more


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A request that could become a case."""

    request: str
    intent: str
    failed: bool  # at least once


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """The share of failures that is aimed at, and what stands already."""

    share: float  # 0 to 1
    failed: int = 0
    cases: int = 0

    @property
    def wants_failure(self) -> bool:
        return self.failed < self.share * (self.cases + 1)

    def grown(self, candidate: Candidate) -> "Mix":
        return Mix(share=self.share, failed=self.failed + candidate.failed, cases=self.cases + 1)


def chosen(
    candidates: Sequence[Candidate],
    room: int,
    *,
    standing: Mapping[str, int],
    traffic: Mapping[str, int],
    mix: Mix,
    seed: int,
) -> list[Candidate]:
    """At most `room` of the candidates, in the order in which they were drawn.

    `standing` counts the cases that each intent has, `traffic` its episodes of late. Live intents
    are filled in turns up to `ENOUGH`, then by traffic per case (D'Hondt). Within an intent the
    draw is by a hash of seed and request: the same for the same lake, and a request that comes
    later changes nothing between those that were there. A share of failures is kept to where an
    intent has both kinds left.
    """
    pools = _pools(candidates, seed)
    counts = Counter(standing)
    queue = [(_turn(name, counts[name], traffic.get(name, 0)), name) for name in pools]
    heapify(queue)
    drawn: list[Candidate] = []
    while queue and len(drawn) < room:
        _, name = heappop(queue)
        one = pools[name].draw(mix.wants_failure)
        drawn.append(one)
        mix = mix.grown(one)
        counts[name] += 1
        if pools[name]:
            heappush(queue, (_turn(name, counts[name], traffic.get(name, 0)), name))
    return drawn


class _Pool:
    """The candidates of an intent, the next one last."""

    def __init__(self, members: Iterable[Candidate]) -> None:
        self._kinds: dict[bool, list[Candidate]] = {True: [], False: []}
        for member in members:
            self._kinds[member.failed].append(member)

    def __bool__(self) -> bool:
        return any(self._kinds.values())

    def draw(self, failed: bool) -> Candidate:
        return (self._kinds[failed] or self._kinds[not failed]).pop()


def _pools(candidates: Sequence[Candidate], seed: int) -> dict[str, _Pool]:
    """Intent -> its candidates in a random order that the seed gives."""
    found: dict[str, list[Candidate]] = {}
    for one in sorted(candidates, key=lambda c: digest(f"{seed}/{c.request}"), reverse=True):
        found.setdefault(one.intent, []).append(one)
    return {name: _Pool(members) for name, members in found.items()}


def _turn(name: str, cases: int, traffic: int) -> tuple[int, float, int, str]:
    """What comes first: live intents with few cases, then those with most traffic per case."""
    if traffic and cases < ENOUGH:
        return 0, cases, -traffic, name
    return 1, -traffic / (cases + 1), cases, name
