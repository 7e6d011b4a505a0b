"""The pairs of one request: of those that may stand, the few that are kept."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.curate.pairs.candidate import Candidates, Kind, Refusal
from headrace.curate.pairs.correction import Correction
from headrace.curate.pairs.dialogue import Dialogue, Key, key
from headrace.curate.pairs.meeting import meet
from headrace.curate.pairs.reason import nearness
from headrace.lake.message import digest, dump

PER_REQUEST = 4
PER_EPISODE = 2

Dialogues = Mapping[str, Dialogue]  # by episode


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two answers to one prompt; of a correction both names are the corrected episode's."""

    chosen: str
    rejected: str
    kind: Kind
    turn: int  # message at which the two part
    p_chosen: float | None = None
    p_rejected: float | None = None
    margin: float | None = None
    correction: str | None = None  # hash of the message that was to be said

    @property
    def pair_id(self) -> str:
        """The same pair has the same name in every night."""
        return "pr_" + digest(dump([self.chosen, self.rejected, self.turn, self.correction]))

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.chosen, self.rejected))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Why an episode is in no pair, and the episode that came nearest to one."""

    reason: str
    because_of: str | None = None


class Mined(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of a request, and why the other episodes are in none."""

    pairs: tuple[Pair, ...]
    alone: Mapping[str, Finding]


class _Met(msgspec.Struct, frozen=True, kw_only=True):
    """A pair with the texts that two pairs are compared by."""

    pair: Pair
    prompt: tuple[Key, ...]
    good: Key
    bad: Key
    asked: object = None  # system prompt, tools and side of the split


def mine(
    names: Iterable[str], found: Candidates, corrections: Sequence[Correction], said: Dialogues
) -> Mined:
    """At most 4 pairs of a request and 2 of an episode, the preferred first.

    `names` are the resolved episodes with this request; `said` holds those that are compared.
    """
    met, refused = _all(found, corrections, said)
    met, twisted = _without_cycles(met)
    met, twice = _single(met)
    kept, capped = _capped(met)
    crowded = [Refusal(reason="over_cap", one=name, other=name) for name in found.crowded]
    paired = {name for pair in kept for name in pair.names}
    misses = [*found.refused, *refused, *twisted, *twice, *capped, *crowded]
    everyone = set(names)
    whole = "tie" if len(everyone) > 1 else "no_opposite"
    return Mined(pairs=tuple(kept), alone=_alone(everyone - paired, whole, misses))


def _all(
    found: Candidates, corrections: Sequence[Correction], said: Dialogues
) -> tuple[list[_Met], list[Refusal]]:
    met: list[_Met] = []
    refused: list[Refusal] = []
    for told in sorted(corrections, key=lambda c: (c.side.episode_id, c.turn or 0, c.message.hash)):
        name = told.side.episode_id
        place = told.place(said[name])
        if isinstance(place, str):
            refused.append(Refusal(reason=place, one=name, other=name))
        else:
            met.append(_corrected(told, place, said[name]))
    for candidate in found.tried:
        one, other = candidate.names
        turn = meet(said[one], said[other], candidate.kind)
        if isinstance(turn, str):
            refused.append(Refusal(reason=turn, one=one, other=other))
            continue
        pair = Pair(
            chosen=one,
            rejected=other,
            kind=candidate.kind,
            turn=turn,
            p_chosen=candidate.chosen.p,
            p_rejected=candidate.rejected.p,
            margin=candidate.margin,
        )
        side = candidate.chosen
        met.append(
            _Met(
                pair=pair,
                prompt=said[one].keys[:turn],
                good=said[one].keys[turn],
                bad=said[other].keys[turn],
                asked=(side.split, side.context),
            )
        )
    return met, refused


def _corrected(told: Correction, turn: int, dialogue: Dialogue) -> _Met:
    name = told.side.episode_id
    pair = Pair(
        chosen=name,
        rejected=name,
        kind="correction",
        turn=turn,
        p_rejected=told.side.p,
        correction=told.message.hash,
    )
    return _Met(
        pair=pair,
        prompt=dialogue.keys[:turn],
        good=key(told.body),
        bad=dialogue.keys[turn],
        asked=(told.side.split, told.side.context),
    )


def _without_cycles(met: Sequence[_Met]) -> tuple[list[_Met], list[Refusal]]:
    """Leave out pairs that also stand the other way round: they would teach nothing."""
    ways = {(one.asked, one.prompt, one.good, one.bad) for one in met}
    sound, twisted = [], []
    for one in met:
        if (one.asked, one.prompt, one.bad, one.good) in ways:
            twisted.append(_refusal("both_labels", one.pair))
        else:
            sound.append(one)
    return sound, twisted


def _single(met: Iterable[_Met]) -> tuple[list[_Met], list[Refusal]]:
    """One pair of each prompt and two answers; the first stands for the others."""
    first: dict[object, _Met] = {}
    twice = []
    for one in met:
        kept = first.setdefault((one.asked, one.prompt, one.good, one.bad), one)
        if kept is not one:
            twice.append(_refusal("duplicate", one.pair))
    return list(first.values()), twice


def _capped(met: Iterable[_Met]) -> tuple[list[Pair], list[Refusal]]:
    of_episode: Counter[str] = Counter()
    kept: list[Pair] = []
    capped = []
    for one in met:
        pair = one.pair
        full = len(kept) >= PER_REQUEST
        if full or any(of_episode[name] >= PER_EPISODE for name in pair.names):
            capped.append(_refusal("over_cap", pair))
            continue
        kept.append(pair)
        of_episode.update(pair.names)
    return kept, capped


def _refusal(reason: str, pair: Pair) -> Refusal:
    return Refusal(reason=reason, one=pair.chosen, other=pair.rejected)


def _alone(names: set[str], whole: str, misses: Iterable[Refusal]) -> dict[str, Finding]:
    """Of every episode in no pair the nearest miss; the first of equally near ones is told."""
    alone = {name: Finding(reason=whole) for name in sorted(names)}
    for miss in misses:
        for name, other in ((miss.one, miss.other), (miss.other, miss.one)):
            if name in alone and nearness(miss.reason) > nearness(alone[name].reason):
                because = None if other == name else other
                alone[name] = Finding(reason=miss.reason, because_of=because)
    return alone
