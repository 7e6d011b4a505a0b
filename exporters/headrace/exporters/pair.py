"""Preference pairs: one success against one failure, cut at the first turn that differs.

One assistant message stands against another, because a trainer would score tool results and user
turns in anything longer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import inf

import msgspec

from headrace.curate.conversation import Conversation
from headrace.exporters.call import arguments
from headrace.exporters.eligibility import Finding, Standing
from headrace.exporters.lesson import Lesson
from headrace.exporters.row import Row
from headrace.lake.message import Body, dump, text_of
from headrace.lake.record import Split

PER_CLUSTER = 4
PER_EPISODE = 2
PER_SIDE = 64  # successes, and failures, of a cluster that are compared

# From far to near: of all partners, the reason of the one that came closest is told.
REASONS = (
    "no_partner",
    "other_split",
    "other_prompt",
    "other_tools",
    "observations_differ",
    "same_reply",
    "both_labels",
    "duplicate",
    "pair_cap",
)

# What partners must share, as the reason told where it differs: split, system messages, tools.
DIFFERS = ("other_split", "other_prompt", "other_tools")

Key = tuple[str, str, tuple[str, ...]]  # role, text, calls
Refusal = tuple[str, str, str]  # reason, episode, episode


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """An eligible episode that looks for its opposite."""

    conversation: Conversation
    trainable: tuple[bool, ...]
    keys: tuple[Key, ...]  # of the messages up to the last trained turn
    system: tuple[Key, ...]  # those of them that are system messages
    tools: str
    split: Split
    request: str | None  # cluster of equal requests

    @property
    def name(self) -> str:
        return self.conversation.episode_id

    @property
    def good(self) -> bool:
        return self.conversation.resolution == "success"


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two sides that answered differently for the first time at message `cut`."""

    chosen: Side
    rejected: Side
    cut: int

    @property
    def row(self) -> Row:
        return Row.dpo(
            self.chosen.conversation, self.rejected.conversation, self.cut, self.chosen.split
        )


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """The rows mined, and why the episodes in none of them found no partner."""

    rows: tuple[Row, ...]
    alone: Mapping[str, Finding]


def side(conversation: Conversation, standing: Standing, split: Split) -> Side:
    """An eligible episode with what it is compared by."""
    lesson = Lesson.of(conversation)
    keys = tuple(key(message) for message in lesson.messages)
    return Side(
        conversation=conversation,
        trainable=lesson.trainable,
        keys=keys,
        system=tuple(found for found in keys if found[0] == "system"),
        tools=dump(conversation.tools or ()),
        split=split,
        request=standing.request,
    )


def pairs(sides: Iterable[Side]) -> Pairing:
    """At most 4 pairs a cluster of requests and 2 an episode, those with the longest prompt first.

    Shared steps before the cut make the smallest edit, hence the order; the rest is by name.
    """
    everyone = sorted(sides, key=lambda side: side.name)
    mined, refused, crowded = _all(everyone)
    mined, twisted = _without_cycles(mined)
    mined, twice = _single(mined)
    kept, capped = _capped(mined)
    rows = tuple(pair.row for pair in kept)
    found = {name for row in rows for name in row.episode_ids}
    alone = {side.name: Finding(reason="no_partner") for side in everyone if side.name not in found}
    for reason, one, other in [*refused, *twisted, *twice, *capped]:
        for name, partner in ((one, other), (other, one)):
            if name in alone and _rank(reason) > _rank(alone[name].reason):
                alone[name] = Finding(reason=reason, because_of=partner)
    alone |= {name: Finding(reason="pair_cap") for name in crowded}
    return Pairing(rows=rows, alone=alone)


def _all(everyone: Sequence[Side]) -> tuple[list[Pair], list[Refusal], list[str]]:
    """The pairs, the refusals, and the names of those that were not asked."""
    mined: list[Pair] = []
    refused: list[Refusal] = []
    crowded: list[str] = []
    for cluster in _clusters(everyone):
        refused += _strangers(cluster)
        made: list[Pair] = []
        for group in _groups(cluster):
            good, bad = ([s for s in group if s.good is wanted] for wanted in (True, False))
            if good and bad:
                (good, left), (bad, out) = _latest(good), _latest(bad)
                crowded += [side.name for side in (*left, *out)]
                _meet_all(good, bad, made, refused)
        mined += sorted(made, key=lambda pair: (pair.chosen.name, pair.rejected.name))
    return mined, refused, crowded


def _meet_all(
    good: Sequence[Side], bad: Sequence[Side], mined: list[Pair], refused: list[Refusal]
) -> None:
    for chosen, rejected in product(good, bad):
        met = meet(chosen, rejected)
        if isinstance(met, Pair):
            mined.append(met)
        else:
            refused.append((met, chosen.name, rejected.name))


def _latest(half: Sequence[Side]) -> tuple[list[Side], list[Side]]:
    """At most 64 of one outcome, the latest, and the others: all pairs would grow as a square."""
    by_age = sorted(half, key=_age)
    return sorted(by_age[:PER_SIDE], key=lambda side: side.name), by_age[PER_SIDE:]


def _age(side: Side) -> tuple[float, str]:
    """Sorts the latest first; one without a time comes last."""
    started = side.conversation.started_at
    return inf if started is None else -started.timestamp(), side.name


def _groups(cluster: Iterable[Side]) -> list[list[Side]]:
    """The sides that share all that partners must share."""
    groups: dict[object, list[Side]] = defaultdict(list)
    for one in cluster:
        groups[_shared(one, len(DIFFERS))].append(one)
    return list(groups.values())


def _shared(one: Side, depth: int) -> object:
    return (one.split, one.system, one.tools)[:depth]


def _strangers(cluster: Sequence[Side]) -> Iterator[Refusal]:
    """For each side without an opposite in its group: the nearest opposite, and what differs."""
    waiting = cluster
    for depth in range(len(DIFFERS), -1, -1):
        first = {(_shared(one, depth), one.good): one for one in reversed(cluster)}
        found = [(one, first.get((_shared(one, depth), not one.good))) for one in waiting]
        waiting = [one for one, other in found if other is None]
        if depth < len(DIFFERS):
            yield from ((DIFFERS[depth], one.name, other.name) for one, other in found if other)


def meet(chosen: Side, rejected: Side) -> Pair | str:
    """The pair that two sides of a group make, or the reason why they make none."""
    one, other = chosen.keys, rejected.keys
    cut = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if cut is None:
        return "same_reply"
    if chosen.trainable[cut] and rejected.trainable[cut]:
        return Pair(chosen=chosen, rejected=rejected, cut=cut)
    before = {role for role, *_ in one[:cut]}
    first = not {"user", "assistant"} <= before  # a greeting may stand before the request
    return "other_prompt" if first and one[cut][0] == "user" else "observations_differ"


def key(message: Body) -> Key:
    """What two messages must share to be equal: role, text, calls; ids of calls may differ."""
    written = text_of(message.get("content")).replace("\r\n", "\n").strip()
    made = tuple(
        dump([call["function"]["name"], arguments(call)])
        for call in message.get("tool_calls") or ()
    )
    return str(message["role"]), written, made


def _clusters(everyone: Iterable[Side]) -> list[list[Side]]:
    by_request: dict[str, list[Side]] = defaultdict(list)
    for one in everyone:
        if one.request is not None:
            by_request[one.request].append(one)
    return [by_request[request] for request in sorted(by_request)]


def _without_cycles(mined: Sequence[Pair]) -> tuple[list[Pair], list[Refusal]]:
    """Leave out pairs that also stand the other way round: they would teach nothing."""
    ways = {(_prompt(pair), *_answers(pair)) for pair in mined}
    sound, twisted = [], []
    for pair in mined:
        chosen, rejected = _answers(pair)
        if (_prompt(pair), rejected, chosen) in ways:
            twisted.append(("both_labels", pair.chosen.name, pair.rejected.name))
        else:
            sound.append(pair)
    return sound, twisted


def _single(mined: Iterable[Pair]) -> tuple[list[Pair], list[Refusal]]:
    """One pair of each prompt and two answers; the first stands for the others."""
    first: dict[object, Pair] = {}
    twice = []
    for pair in mined:
        kept = first.setdefault((_prompt(pair), *_answers(pair)), pair)
        if kept is not pair:
            twice.append(("duplicate", pair.chosen.name, pair.rejected.name))
    return list(first.values()), twice


def _prompt(pair: Pair) -> object:
    return pair.chosen.keys[: pair.cut], pair.chosen.tools


def _answers(pair: Pair) -> tuple[Key, Key]:
    return pair.chosen.keys[pair.cut], pair.rejected.keys[pair.cut]


def _capped(mined: Iterable[Pair]) -> tuple[list[Pair], list[Refusal]]:
    in_cluster: Counter[str | None] = Counter()
    of_episode: Counter[str] = Counter()
    kept, capped = [], []
    for pair in sorted(mined, key=lambda pair: (-pair.cut, pair.chosen.name, pair.rejected.name)):
        names = (pair.chosen.name, pair.rejected.name)
        full = in_cluster[pair.chosen.request] >= PER_CLUSTER
        if full or any(of_episode[name] >= PER_EPISODE for name in names):
            capped.append(("pair_cap", *names))
            continue
        kept.append(pair)
        in_cluster[pair.chosen.request] += 1
        of_episode.update(names)
    return kept, capped


def _rank(reason: str) -> int:
    return REASONS.index(reason)
