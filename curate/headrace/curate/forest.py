"""The prefix forest: which LLM call continues which, read from the histories alone.

The span tree is only context: agents, retries and queues bend it, but a call that continues
another one repeats its input and its output. Linear in messages: a table of hashes of
`input + output` finds the candidates, a full comparison confirms them.

Strangers may open alike. Calls that only their histories join are joined where one parent fits
better than any other, or is by far the nearest in time; a guess would give one customer's marks to
another. A history is whole in every call, so that a link refused loses no text.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec

from headrace.curate.ancestry import LAST, Call, Key
from headrace.curate.likeness import Faces
from headrace.lake.record import Span

Marks = Mapping[Key, Sequence[tuple[int, int]]]  # per call, after each message of its history

NEAR = timedelta(days=1)  # between calls that only their histories join
AGAIN = timedelta(minutes=5)  # between a failed call and the next try, likewise
CLEAR = 10  # times as long ago must the next of several alike be, for the nearest to be taken

_CROWD = 256  # candidates that share roles alone and are compared in full, latest first


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one episode, and the one by which it is named."""

    calls: tuple[Call, ...]  # root to leaf
    attempts: tuple[Call, ...]  # failed tries of these calls
    first: Call  # that is this chain's own: the root; in a later branch the one after the fork
    opener: Call  # the earliest attempt at `first`, or itself

    @property
    def leaf(self) -> Call:
        return self.calls[-1]

    @property
    def own(self) -> tuple[Call, ...]:
        """The calls that no other chain holds as its own."""
        return self.calls[self.calls.index(self.first) :]


def chains(calls: Sequence[Call], faces: Faces, *, link: bool = False) -> list[Chain]:
    """One chain per call that no other continues; `calls` in their order.

    With `link` calls may continue one another though no conversation id says that they belong
    together.
    """
    marks = {call.key: faces.chain(_history(call)) for call in calls}
    attempts = _attempts(calls, faces, marks, link)
    failed = {call.key for tries in attempts.values() for call in tries}
    tried = [call for call in calls if call.key not in failed]
    parents = _parents(tried, faces, marks, link)
    heirs: dict[int, int] = {}  # the first call that continues another keeps its name
    for child, parent in sorted(parents.items()):
        heirs.setdefault(parent, child)
    leaves = [index for index in range(len(tried)) if index not in heirs]
    return [_chain(_path(leaf, parents), tried, heirs, attempts) for leaf in leaves]


def linkable(earlier: Call, later: Call, *, link: bool = False) -> bool:
    """Whether one call may continue the other.

    That is in the same trace, in the same known conversation, or after a response that it names;
    with `link` also in the same service within a day, where one of them names no conversation and
    they name no two users.
    """
    if earlier.span.trace_id == later.span.trace_id:
        return True
    if earlier.conversation_id is not None and later.conversation_id is not None:
        return earlier.conversation_id == later.conversation_id
    named = later.span.previous_response_id
    if named is not None and named == earlier.span.response_id:
        return True
    strangers = earlier.user_id and later.user_id and earlier.user_id != later.user_id
    return link and not strangers and _is_near(earlier.span, later.span, NEAR)


def _is_near(earlier: Span, later: Span, within: timedelta) -> bool:
    if earlier.service != later.service or not (earlier.started_at and later.started_at):
        return False
    return timedelta() <= later.started_at - earlier.started_at < within


class _Ends:
    """The calls seen so far by the hashes of their input and output."""

    def __init__(self, calls: Sequence[Call], faces: Faces, marks: Marks, link: bool) -> None:
        self._link = link
        self._calls = calls
        self._faces = faces
        self._marks = marks
        self._close: dict[int, list[int]] = defaultdict(list)
        self._coarse: dict[int, list[int]] = defaultdict(list)
        self._extended: set[int] = set()

    def add(self, index: int) -> None:
        call = self._calls[index]
        if call.span.input and call.span.output:
            close, coarse = self._marks[call.key][-1]
            self._close[close].append(index)
            self._coarse[coarse].append(index)

    def parent(self, index: int) -> int | None:
        """The call that this one continues: the longest prefix, then the nearest kin."""
        call = self._calls[index]
        marks = self._marks[call.key]
        for length in range(len(call.span.input), 1, -1):
            close, coarse = marks[length - 1]
            if coarse not in self._coarse:
                continue
            found = self._fitting(self._close.get(close, ()), index, length)
            found = found or self._fitting(self._coarse[coarse][-_CROWD:], index, length)
            if found:
                return self._nearest(found, index, length)
        return None

    def _nearest(self, found: Sequence[int], index: int, length: int) -> int | None:
        """The nearest kin, of several the latest; none where it would be a guess."""
        kinship = [self._kinship(other, index, length) for other in found]
        most = max(kinship)
        *others, best = (o for o, kin in zip(found, kinship, strict=True) if kin == most)
        if others and not most.known and not self._is_clear(others[-1], best, index):
            return None
        self._extended.add(best)
        return best

    def _is_clear(self, other: int, best: int, index: int) -> bool:
        """Whether one call is by far nearer in time than the other."""
        began, far, near = (self._calls[i].span.started_at or LAST for i in (index, other, best))
        return began - far >= CLEAR * (began - near)

    def _fitting(self, candidates: Sequence[int], index: int, length: int) -> list[int]:
        later = self._calls[index]
        head = later.span.input[:length]
        return [
            other
            for other in candidates
            if linkable(self._calls[other], later, link=self._link)
            and self._faces.alike(_history(self._calls[other]), head)
        ]

    def _kinship(self, other: int, index: int, length: int) -> "_Kinship":
        earlier, later = self._calls[other], self._calls[index]
        return _Kinship(
            linkable(earlier, later),
            earlier.span.trace_id == later.span.trace_id,
            _history(earlier) == later.span.input[:length],
            earlier.agent == later.agent,
            earlier.span.model == later.span.model,
            other not in self._extended,
        )


class _Kinship(NamedTuple):
    """What speaks for a parent, the strongest first."""

    known: bool  # more than its history joins them
    same_trace: bool
    exact: bool  # the echo is what was recorded, to the letter
    same_agent: bool
    same_model: bool
    unextended: bool


def _history(call: Call) -> tuple[str, ...]:
    return call.span.input + call.span.output


def _parents(calls: Sequence[Call], faces: Faces, marks: Marks, link: bool) -> dict[int, int]:
    ends = _Ends(calls, faces, marks, link)
    parents: dict[int, int] = {}
    for index in range(len(calls)):
        parent = ends.parent(index)
        if parent is not None:
            parents[index] = parent
        ends.add(index)
    return parents


def _attempts(
    calls: Sequence[Call], faces: Faces, marks: Marks, link: bool
) -> dict[Key, list[Call]]:
    """Failed tries by the key of the call with an equal input that took their place."""
    same: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        if call.span.input:
            _, coarse = marks[call.key][len(call.span.input) - 1]
            same[coarse].append(call)
    tries: dict[Key, list[Call]] = defaultdict(list)
    for bucket in same.values():
        for failed, heir in _heirs(bucket, faces, link):
            tries[heir.key].append(failed)
    return tries


def _heirs(bucket: Sequence[Call], faces: Faces, link: bool) -> Iterator[tuple[Call, Call]]:
    """Each failed call with the next that got an answer, else with the last that failed too."""
    for i, failed in enumerate(bucket):
        if failed.span.output:
            continue
        later = [
            call
            for call in bucket[i + 1 :]
            if _may_retry(failed, call, link) and faces.alike(failed.span.input, call.span.input)
        ]
        if later:
            yield failed, next((call for call in later if call.span.output), later[-1])


def _may_retry(failed: Call, call: Call, link: bool) -> bool:
    near = _is_near(failed.span, call.span, AGAIN)
    return linkable(failed, call, link=link and near)


def _path(leaf: int, parents: Mapping[int, int]) -> list[int]:
    """Root to leaf."""
    path = [leaf]
    while path[-1] in parents:
        path.append(parents[path[-1]])
    return path[::-1]


def _chain(
    path: Sequence[int],
    calls: Sequence[Call],
    heirs: Mapping[int, int],
    attempts: Mapping[Key, Sequence[Call]],
) -> Chain:
    forks = [i for i in range(1, len(path)) if heirs[path[i - 1]] != path[i]]
    first = calls[path[forks[-1] if forks else 0]]
    return Chain(
        calls=tuple(calls[index] for index in path),
        attempts=tuple(tried for index in path for tried in attempts.get(calls[index].key, ())),
        first=first,
        opener=min([first, *attempts.get(first.key, ())], key=lambda call: call.order),
    )
