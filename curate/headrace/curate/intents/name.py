"""Names for intents, out of the words that set their requests apart from those of the others."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import log
from typing import Protocol

import msgspec

from headrace.curate import unit

WORDS = 3  # of a name
TERMS = 8  # that are kept beside it
BY_TERMS = "terms"

_MASK = re.compile(r"<\w+>|\[\w+(?::\w+)*\]\**")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_APART = str.maketrans({sign: " " for sign in map(chr, range(128)) if not sign.isalpha()})
_NO_TERMS = frozenset(
    "a about above after again all also am an and any are as at be because been before being both "
    "but by can could did do does doing don done down during each few for from further get go got "
    "had has have having he hello help her here hers hey hi him his how i id if in into is it its "
    "just know let like looking ll make may me might mine more most much must my need needed no "
    "nor not now of off ok on once only or other our ours out over own please put re s same see "
    "she should so some such t tell than thank thanks that the their them then there these they "
    "this those through to too try trying under until up us use user using ve very want wanted "
    "was we well were what when where which while who whom why will wish with would yes yet you "
    "your yours im id ive there its name called day today good morning afternoon sure thing "
    "something anything able one two".split()
)

Spoken = Sequence[Sequence[str]]  # the words of each request


class Namer(Protocol):
    """Whoever names an intent from requests; None: it cannot tell."""

    @property
    def model(self) -> str: ...

    def __call__(self, requests: Sequence[str]) -> str | None: ...


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A name and the terms behind it."""

    intent_id: str
    name: str
    terms: tuple[str, ...]
    named_by: str


def terms(requests: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """For each intent the words that set it apart, best first (class-based TF-IDF).

    A word counts once a request: one long request does not name an intent.
    """
    return _terms([_spoken(texts) for texts in requests])


def _terms(requests: Sequence[Spoken]) -> list[tuple[str, ...]]:
    counts = [_counted(texts) for texts in requests]
    sizes = [max(len(texts), 1) for texts in requests]
    shares: defaultdict[str, float] = defaultdict(float)
    for count, size in zip(counts, sizes, strict=True):
        for word, found in count.items():
            shares[word] += found / size

    def weight(word: str, found: int, size: int) -> float:
        return found / size * log(1 + len(requests) / shares[word])

    return [
        tuple(sorted(count, key=lambda word: (-weight(word, count[word], size), word)))
        for count, size in zip(counts, sizes, strict=True)
    ]


def names(
    requests: Sequence[Sequence[str]],
    wanted: Collection[int],
    taken: Collection[str],
    namer: Namer | None = None,
) -> dict[int, Name]:
    """Names of the intents `wanted`, given the requests of all; ids and names unlike any taken."""
    used = set(taken)
    found: dict[int, Name] = {}
    spoken = [_spoken(texts) for texts in requests] if wanted else []
    every = _terms(spoken)
    for at in sorted(wanted):
        told = namer(requests[at]) if namer else None
        called = " ".join((told or _called(every[at], spoken[at])).split())
        name = next(one for one in _variants(called, every[at]) if one not in used)
        used.add(name)
        found[at] = Name(
            intent_id=name.replace(" ", "_"),
            name=name,
            terms=every[at][:TERMS],
            named_by=namer.model if namer and told else BY_TERMS,
        )
    return found


def _counted(texts: Spoken) -> Mapping[str, int]:
    """In how many requests each word is; what one of several says alone is a name or a slip."""
    found = Counter(word for text in texts for word in set(text))
    often = Counter({word: n for word, n in found.items() if n > 1})
    return often if len(texts) > 2 and often else found


def _called(best: Sequence[str], texts: Spoken) -> str:
    """The first words in the order in which requests use them: `cancel flight reservation`."""
    chosen = best[:WORDS]
    return " ".join(sorted(chosen, key=lambda word: _place(word, texts))) or "unnamed"


def _place(word: str, texts: Spoken) -> float:
    places = [words.index(word) for words in texts if word in words]
    return sum(places) / len(places)


def _variants(name: str, best: Sequence[str]) -> Iterator[str]:
    """The name, then with a word more, then numbered."""
    yield name
    yield from (f"{name} {word}" for word in best[WORDS:TERMS])
    number = 2
    while True:
        yield f"{name} {number}"
        number += 1


def _spoken(texts: Sequence[str]) -> Spoken:
    return [_words(text) for text in texts]


def _words(text: str) -> list[str]:
    plain = unit.norm(_MASK.sub(" ", text))
    if plain.isascii():  # the same in less time
        words = [word for word in plain.translate(_APART).split() if len(word) > 1]
    else:
        words = _LETTERS.findall(plain)
    return [word for word in words if word not in _NO_TERMS]
