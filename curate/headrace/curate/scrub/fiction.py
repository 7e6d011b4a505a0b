"""Names that nobody has: put together of syllables, and known again by that.

What is scrubbed twice must not change, so that a surrogate has to be told from a name. Names of
real people would not do: a customer who has one of them would stay.
"""

from functools import cache
from itertools import product

from headrace.curate.scrub.draw import Draw

_HEADS = (
    "Bralv Brusk Corv Dask Dorv Drusk Esk Falv Fenk Galv Garv Gorv Grusk Hask Helv Holv Jask Jorv"
    " Kelv Krusk Lask Lorv Malv Misk Morv Nask Nelv Norv Olv Pelv Prusk Quelv Rask Relv Skelv Solv"
    " Tarv Telv Torv Ulv Valv Velk Vorl Wisk Yorv Zarv Zelv Zusk"
).split()
_MIDDLES = "a e i o u an en ir or".split()
_TAILS = (
    "dun frey gast grim holt kell lund meck mund nax quist rath ruck sted thorn tove vane vik"
    " wick zell zorn"
).split()
_WAYS = "Way Lane Path Row Mews Close Rise Walk".split()


@cache
def _names() -> frozenset[str]:
    return frozenset("".join(parts).lower() for parts in product(_HEADS, _MIDDLES, _TAILS))


def name(draw: Draw) -> str:
    """One of some 9,000 names, for a person or a street."""
    return "".join(parts[draw.below(len(parts))] for parts in (_HEADS, _MIDDLES, _TAILS))


def invented(word: str) -> bool:
    """Whether a word is such a name, in any case of letters."""
    return word.lower() in _names()


def street(draw: Draw) -> str:
    """A house number and a street that nobody lives in."""
    return f"{1 + draw.below(999)} {name(draw)} {_WAYS[draw.below(len(_WAYS))]}"


def no_street(text: str) -> bool:
    """Whether a text is such a street."""
    words = text.split()
    return len(words) == 3 and words[0].isdigit() and invented(words[1]) and words[2] in _WAYS
