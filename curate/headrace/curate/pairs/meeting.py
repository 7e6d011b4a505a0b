"""Where two episodes part, or why they make no pair.

One assistant message stands against another, because a trainer would score tool results and user
turns in anything longer. What stands before must be equal word for word: a trainer sees one prompt.
"""

import re
from functools import lru_cache
from itertools import zip_longest

from headrace.curate import unit
from headrace.curate.pairs.candidate import Kind
from headrace.curate.pairs.dialogue import Dialogue, Key

LONGEST = 2.0  # times the length of the other answer

_WORD = re.compile(r"\w+")


def meet(chosen: Dialogue, rejected: Dialogue, kind: Kind) -> int | str:
    """The message at which the answers part, or the reason why they make no pair."""
    turn = _parting(chosen, rejected)
    if turn is None:
        return _cut_short(chosen, rejected)
    return _unlike_prompt(chosen, rejected, turn, kind) or _alike(chosen, rejected, turn) or turn


def weighed(good: Key, bad: Key, good_chars: int, bad_chars: int) -> str | None:
    """The reason against two answers to one prompt that hardly differ but in length."""
    if good[2] == bad[2] and _norm(good[1]) == _norm(bad[1]):
        return "identical"
    if good[2] and good[2] == bad[2]:
        return "wording_only"
    if good[2] == bad[2] and _continues(good[1], bad[1]):
        return "length_only"
    short, long = sorted((good_chars, bad_chars))
    return "length_ratio" if long > LONGEST * short else None


def _parting(one: Dialogue, other: Dialogue) -> int | None:
    pairs = zip(one.keys, other.keys, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), None)


def _cut_short(chosen: Dialogue, rejected: Dialogue) -> str:
    """They say the same as far as the shorter goes: a run that waited in vain, or a copy."""
    late = any(action.timed_out for action in (*chosen.actions, *rejected.actions))
    return "latency_only" if late and len(chosen.keys) != len(rejected.keys) else "identical"


def _unlike_prompt(chosen: Dialogue, rejected: Dialogue, turn: int, kind: Kind) -> str | None:
    if not (chosen.trainable[turn] and rejected.trainable[turn]):
        before = {role for role, *_ in chosen.keys[:turn]}
        first = not {"user", "assistant"} <= before  # a greeting may stand before the request
        if first and chosen.keys[turn][0] in ("user", "system"):
            return "other_prompt"
        return "latency_only" if _only_late(chosen, rejected) else "observations_differ"
    if _only_late(chosen, rejected):
        return "latency_only"
    if kind != "retry" and _other_world(chosen, rejected):
        return "observations_differ"
    return None


def _only_late(chosen: Dialogue, rejected: Dialogue) -> bool:
    """The same calls up to one that came in time in one episode alone."""
    for one, other in zip_longest(chosen.actions, rejected.actions):
        if one is None or other is None or one.call != other.call:
            return False
        if one.timed_out != other.timed_out:
            return True
    return False


def _other_world(chosen: Dialogue, rejected: Dialogue) -> bool:
    """One call, first made in the same state, was answered otherwise: their data were not the same.

    A success on other data says nothing of the failure on these. Later answers may differ, as each
    episode has changed what it looks at.
    """
    first: dict[str, str | None] = {}
    for action in chosen.actions:
        first.setdefault(action.call, action.result)
    seen: set[str] = set()
    for action in rejected.actions:
        known = action.call in first and action.call not in seen
        if known and first[action.call] != action.result:
            return True
        seen.add(action.call)
    return False


def _alike(chosen: Dialogue, rejected: Dialogue, turn: int) -> str | None:
    reason = weighed(
        chosen.keys[turn], rejected.keys[turn], chosen.chars[turn], rejected.chars[turn]
    )
    if reason is None and chosen.actions == rejected.actions:
        return "same_end" if _norm(chosen.last) == _norm(rejected.last) else None
    return reason


def _continues(one: str, other: str) -> bool:
    """One text is the other with more words after it, or said several times over."""
    short, long = sorted((one, other), key=len)
    words = zip_longest(_WORD.finditer(short), _WORD.finditer(long))
    for a, b in words:  # most texts part at the first words, and the others are long
        if a is None or b is None:
            return True
        if a[0].lower() != b[0].lower():
            return False
    return True


@lru_cache(4096)
def _norm(text: str) -> str:
    """A text stands in many pairs."""
    return unit.norm(text)
