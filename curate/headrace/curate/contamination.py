"""Whether an episode gives away an eval case: equal requests, or shared runs of words.

The lengths and shares are those of a measured table: 8-grams that cover half of a case found all
rewordings above a Jaccard of .7 without one unrelated hit; any 8-gram alone hits boilerplate.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.curate import unit
from headrace.lake.message import Body

COVERED = 0.5  # of the case's words, by grams that the episode holds too
LONG_GRAM, SHORT_GRAM = 8, 5
LONG, SHORT = 16, 8  # words from which on a case is matched by long, by short grams
COMMON_SHARE, COMMON_OF = 0.01, 200  # boilerplate: grams in more than 1 % of at least 200 groups,
COMMON_LEAST = 10  # and in more than 10: three rewordings of one case are no boilerplate

Gram = tuple[str, ...]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A case as far as it is matched."""

    case_id: str
    hashes: frozenset[str]  # of its request
    words: tuple[str, ...]

    @classmethod
    def of(cls, case_id: str, messages: Sequence[Body]) -> "Item":
        """A case by its input; the whole user side and its opening are both a request."""
        whole = unit.request_text(messages, [False] * len(messages))
        return cls(
            case_id=case_id,
            hashes=_hashes(whole, unit.opening_text(messages)),
            words=tuple(unit.words(whole)),
        )

    @property
    def gram(self) -> int | None:
        """The length of its grams; None: so few words that only an equal request counts."""
        if len(self.words) < SHORT:
            return None
        return LONG_GRAM if len(self.words) >= LONG else SHORT_GRAM


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An episode as far as it is matched."""

    name: str
    group: str
    hashes: frozenset[str]
    words: tuple[str, ...]  # of user and tool text

    @classmethod
    def of(cls, name: str, group: str, request: str, messages: Sequence[Body]) -> "Document":
        return cls(
            name=name,
            group=group,
            hashes=_hashes(request, unit.opening_text(messages)),
            words=tuple(unit.words(unit.learnt_text(messages))),
        )


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The case that an episode gives away most."""

    case_id: str
    rule: str  # exact, ngram
    similarity: float  # share of the case's words that the episode covers


class Matcher:
    """The cases of a suite, indexed; linear in the words of the documents."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = list(items)
        self._exact: dict[str, str] = {}
        self._places: dict[Gram, list[tuple[int, int]]] = {}
        for index, item in enumerate(self._items):
            for name in item.hashes:
                self._exact.setdefault(name, item.case_id)
            for start, gram in enumerate(_grams(item.words, item.gram)):
                self._places.setdefault(gram, []).append((index, start))
        self._lengths = sorted({item.gram for item in self._items if item.gram})

    def matches(self, documents: Sequence[Document]) -> dict[str, Match]:
        """The best match of each document that has one, by its name."""
        shared = {document.name: self._shared(document) for document in documents}
        common = _common(documents, shared)
        found = {d.name: self._match(d, shared[d.name] - common) for d in documents}
        return {name: match for name, match in found.items() if match is not None}

    def _shared(self, document: Document) -> frozenset[Gram]:
        return frozenset(
            gram
            for length in self._lengths
            for gram in set(_grams(document.words, length))
            if gram in self._places
        )

    def _match(self, document: Document, shared: Iterable[Gram]) -> Match | None:
        exact = [self._exact[name] for name in document.hashes if name in self._exact]
        if exact:
            return Match(case_id=min(exact), rule="exact", similarity=1.0)
        best = max(self._covered(shared), default=None)
        if best is None or best[0] < COVERED:
            return None
        return Match(case_id=best[1], rule="ngram", similarity=best[0])

    def _covered(self, shared: Iterable[Gram]) -> Iterable[tuple[float, str]]:
        covered: dict[int, set[int]] = {}
        for gram in shared:
            for index, start in self._places[gram]:
                covered.setdefault(index, set()).update(range(start, start + len(gram)))
        for index, positions in covered.items():
            item = self._items[index]
            yield len(positions) / len(item.words), item.case_id


def _hashes(*texts: str) -> frozenset[str]:
    return frozenset(name for name in map(unit.request_hash, texts) if name is not None)


def _grams(words: Sequence[str], length: int | None) -> Iterable[Gram]:
    return zip(*(words[i:] for i in range(length)), strict=False) if length else ()


def _common(documents: Iterable[Document], shared: Mapping[str, Iterable[Gram]]) -> frozenset[Gram]:
    """Grams of boilerplate; a group counts once, as asking a thing often is no boilerplate."""
    groups: dict[str, set[Gram]] = {}
    for document in documents:
        groups.setdefault(document.group, set()).update(shared[document.name])
    if len(groups) < COMMON_OF:
        return frozenset()
    seen = Counter(gram for grams in groups.values() for gram in grams)
    many = max(COMMON_LEAST, COMMON_SHARE * len(groups))
    return frozenset(gram for gram, count in seen.items() if count > many)
