"""Words of which one stands wherever a text could share a gram with a case: most texts are passed
over by them unread."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Self

from headrace.curate import unit
from headrace.curate.wall.coverage import length
from headrace.curate.wall.item import Item

MOST = 200  # anchors; with more of them nearly every text has one

_PLAIN = re.compile(r"[a-z]{3,}")


class Anchors:
    """Finds the texts that have to be read."""

    def __init__(self, words: Iterable[str]) -> None:
        import re2

        self.words = frozenset(words)
        either = "|".join(sorted(self.words)) or r"[^\x00-\x{10FFFF}]"
        self._either: Any = re2.compile(f"(?i:{either})")

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self | None:
        """None where too many texts would have one, or a gram has no word to know it by."""
        found: set[str] = set()
        for gram in (gram for item in items for gram in _grams(item)):
            if found.isdisjoint(gram):
                plain = [word for word in gram if _PLAIN.fullmatch(word)]
                if not plain or len(found) == MOST:
                    return None
                found.add(max(plain, key=lambda word: (len(word), word)))  # long ones are rare
        return cls(found)

    def in_body(self, body: str) -> bool:
        """Whether a message as JSON may share a gram; other scripts may hide a word in theirs."""
        return not body.isascii() or self._either.search(body) is not None


def _grams(item: Item) -> Iterator[Sequence[str]]:
    """Runs of words as `Grams` has them: neighbouring numbers are one."""
    told = groupby(item.words, key=unit.is_numbered)
    words = [word for number, run in told for word in ([""] if number else run)]
    if size := length(len(words)):
        yield from (words[start : start + size] for start in range(len(words) - size + 1))
