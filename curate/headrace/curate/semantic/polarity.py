"""Requests that ask for opposite things in nearly the same words; vectors cannot tell them apart.

By English words alone: what is not known here is not opposed.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from headrace.curate import unit

_NEGATIONS = frozenset(
    "not never no without dont doesnt didnt wont cant cannot shouldnt wouldnt isnt arent avoid "
    "refrain".split()
)
_CONTRACTED = re.compile(r"\b(\w+?)n['’]t\b")
_PARTS = re.compile(r"[.,;:!?()\n]+|<\w+>|\b(?:but|and)\b")
# Verbs and particles between a negation and what it is about: "do not want you to cancel".
_LIGHT = frozenset(
    "a an the my me i we you your our us it its this that these those any more longer to of for in "
    "at on be is are was do does did have has had want wants wanted need needs wish like try let "
    "please just ever actually really yet again going go now still can could would should will "
    "allow make".split()
)
# Each line an axis: words of one end, then those of the other.
_AXES = """
raise increase raised increased higher / lower decrease reduce reduced lowered
on enable enabled activate activated resume unpause / off disable disabled deactivate pause suspend
add added include insert attach / remove removed delete exclude drop detach
open reopen unlock unlocked / close closed lock locked
start begin / stop end
accept approve approved confirm allow permit / reject deny decline refuse forbid block
subscribe join follow / unsubscribe leave unfollow
cancel cancelled cancelling cancellation / keep uncancel reinstate restore
upgrade / downgrade
buy purchase / sell
deposit / withdraw
send sending / receive request
lend / borrow
mute / unmute
show unhide / hide
before earlier earliest / after later latest
cheapest cheap / expensive dearest
maximum max longest largest / minimum min shortest smallest
public share / private unshare
install / uninstall
arrive arrival arriving / depart departure departing
""".strip()


class Polarity(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says yes and no to."""

    said: frozenset[str]
    negated: frozenset[str]
    poles: frozenset[tuple[int, bool]]  # axis, end; negated words stand for the other end


def opposed(one: str, other: str) -> bool:
    """Whether one request asks for what the other does not want, or for the other end of an axis.

    A text that names both ends of an axis, or neither, is opposed to none by it.
    """
    if one == other:
        return False
    a, b = polarity(one), polarity(other)
    denied = (a.negated & b.said) - a.said or (b.negated & a.said) - b.said
    return bool(denied) or any(_flipped(a, b))


@lru_cache(1 << 16)
def polarity(text: str) -> Polarity:
    """Of a normalised text."""
    said: set[str] = set()
    negated: set[str] = set()
    plain = _CONTRACTED.sub(r"\1 not", text.replace("can't", "can not"))
    for part in _PARTS.split(plain):
        _hear(unit.words(part), said, negated)
    ends = _ends()
    poles = {ends[word] for word in said if word in ends}
    turned = {(axis, not end) for axis, end in (ends[word] for word in negated if word in ends)}
    return Polarity(
        said=frozenset(said), negated=frozenset(negated), poles=frozenset(poles | turned)
    )


def _hear(words: list[str], said: set[str], negated: set[str]) -> None:
    """Take the words of a part; a negation is about the first word of weight that follows."""
    waiting = False
    for word in words:
        if word in _NEGATIONS:
            waiting = True
        elif word not in _LIGHT:
            (negated if waiting else said).add(word)
            waiting = False
        elif word in _ends():  # "turn it on"
            said.add(word)


def _flipped(one: Polarity, other: Polarity) -> Iterator[bool]:
    axes = {axis for axis, _ in one.poles} & {axis for axis, _ in other.poles}
    for axis in axes:
        mine = {end for at, end in one.poles if at == axis}
        theirs = {end for at, end in other.poles if at == axis}
        yield len(mine) == len(theirs) == 1 and mine != theirs


@lru_cache(1)
def _ends() -> dict[str, tuple[int, bool]]:
    """The axis and end of each word."""
    found: dict[str, tuple[int, bool]] = {}
    for axis, line in enumerate(_AXES.splitlines()):
        for end, words in zip((False, True), line.split(" / "), strict=True):
            found |= {word: (axis, end) for word in words.split()}
    return found
