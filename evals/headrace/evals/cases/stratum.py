"""Which requests become cases: a few of every intent first, failures and a random rest."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
    are filled in turns up to `ENOUGH`, then by traffic per case (D'Hondt). The share of failures
    says which of the intents whose turn it is goes first, and what is drawn from it: there by a
    hash of seed and request, so that the same lake gives the same, and a request that comes later
    changes nothing between those that were there.
    """
    urn = _Urn(candidates, standing, traffic, seed)
    drawn: list[Candidate] = []
    while len(drawn) < room and (one := urn.draw(failed=mix.wants_failure)) is not None:
        drawn.append(one)
        mix = mix.grown(one)
    return drawn


Turn = tuple[int, float, int, str]


class _Urn:
    """The candidates that are left, by kind (failed or not) and intent."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        standing: Mapping[str, int],
        traffic: Mapping[str, int],
        seed: int,
    ) -> None:
        self._counts, self._traffic = Counter(standing), traffic
        self._left: dict[bool, dict[str, list[Candidate]]] = {True: {}, False: {}}
        for one in sorted(candidates, key=lambda c: digest(f"{seed}/{c.request}"), reverse=True):
            self._left[one.failed].setdefault(one.intent, []).append(one)
        self._queues = {kind: [self._turn(n) for n in left] for kind, left in self._left.items()}
        for queue in self._queues.values():
            heapify(queue)

    def draw(self, *, failed: bool) -> Candidate | None:
        """One of the kind that is wanted, unless an intent without it has a better claim."""
        wanted, other = self._first(failed), self._first(not failed)
        if wanted is None and other is None:
            return None
        kind = failed if other is None or (wanted and wanted[:2] <= other[:2]) else not failed
        name = heappop(self._queues[kind])[-1]
        one = self._left[kind][name].pop()
        self._counts[name] += 1
        for queue in self._queues.values():
            heappush(queue, self._turn(name))
        return one

    def _first(self, kind: bool) -> Turn | None:
        """The next turn of an intent with such candidates; turns that have changed are let go."""
        queue = self._queues[kind]
        while queue and not (self._left[kind].get(queue[0][-1]) and self._is_due(queue[0])):
            heappop(queue)
        return queue[0] if queue else None

    def _is_due(self, turn: Turn) -> bool:
        return turn == self._turn(turn[-1])

    def _turn(self, name: str) -> Turn:
        """What comes first: live intents with few cases, then those with most traffic per case."""
        cases, traffic = self._counts[name], self._traffic.get(name, 0)
        if traffic and cases < ENOUGH:
            return 0, cases, -traffic, name
        return 1, -traffic / (cases + 1), cases, name
