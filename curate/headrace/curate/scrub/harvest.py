"""Values under telling keys of one episode, to be found again anywhere in it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Self

import msgspec

from headrace.curate.scrub import profile
from headrace.curate.scrub.catalogue import KINDS
from headrace.curate.scrub.kind import Form, Kind, Span
from headrace.curate.scrub.tree import Leaves

_FEW = 100  # words that are looked for faster one by one than among all words of a text
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile("[0-9]")
_BEFORE = re.compile(r"(?<![^\W\d_])(?P<word>[^\W\d_]+)(?P<sep>[ _.-])\Z")
_AFTER = re.compile(r"(?P<sep>[ _.-])(?P<word>[^\W\d_]+)")
_STRETCH = re.compile(r"[0-9](?:[ ().\-/]{0,2}[0-9]){6,}")

Sought = dict[str, list[tuple[Kind, str]]]


class Harvest(msgspec.Struct, frozen=True):
    """What an episode gave away of its people."""

    exact: Sought  # by the first word of each form
    folded: Sought  # in lower case
    joined: dict[str, Kind]  # words that are names beside a name: Mia Li, mia_li_3668
    numbers: dict[str, Kind]  # by their digits
    lengths: tuple[int, ...]  # of the numbers

    @classmethod
    def of(cls, parts: Iterable[Leaves], more: Iterable[tuple[Kind, str]] = ()) -> Self:
        """From the leaves of an episode's messages, part by part, and what others found in them."""
        found: dict[str, set[str]] = {}
        for kind, text in chain(_told(parts), more):
            own = found.setdefault(kind.name, set())
            own.update(text[start:end] for start, end in kind.typed(text))
        forms = [
            (KINDS[name], form) for name in sorted(found) for form in _forms(name, found[name])
        ]
        numbers = {form.text: kind for kind, form in forms if form.how == "digits"}
        return cls(
            exact=_by_word((kind, form.text) for kind, form in forms if form.how == "exact"),
            folded=_by_word(
                (kind, _folded(form.text)) for kind, form in forms if form.how == "folded"
            ),
            joined={_folded(form.text): kind for kind, form in forms if form.how == "joined"},
            numbers=numbers,
            lengths=tuple(sorted({len(number) for number in numbers})),
        )

    def find(self, text: str) -> list[tuple[Kind, Span]]:
        """Where a harvested value stands in a text, between signs or spaces."""
        found = _literal(self.exact, text) if self.exact else []
        if self.folded:
            found += _literal(self.folded, _folded(text))
        if found and self.joined:
            found += list(_beside(self.joined, text, found))
        if self.numbers:
            found += self._numbers(text)
        return found

    def _numbers(self, text: str) -> Iterator[tuple[Kind, Span]]:
        for stretch in _STRETCH.finditer(text):
            yield from _grouped(self.numbers, self.lengths, text, stretch)


def _told(parts: Iterable[Leaves]) -> Iterator[tuple[Kind, str]]:
    for leaves in parts:
        yield from leaves.typed
        for text in leaves.lines:
            for start, end, kind in profile.regions(text):
                yield kind, text[start:end]


def _forms(name: str, held: set[str]) -> Iterator[Form]:
    """Each form once; sorted, as what is found must not depend on the order of a set."""
    yield from dict.fromkeys(form for value in sorted(held) for form in KINDS[name].forms(value))


def _by_word(forms: Iterable[tuple[Kind, str]]) -> Sought:
    """A directory of thousands of people must not be looked for one by one in every text."""
    sought: Sought = {}
    for kind, form in forms:
        if word := _WORD.search(form):
            sought.setdefault(word[0], []).append((kind, form))
    return sought


def _folded(text: str) -> str:
    """Lower case, of the same length: a few letters would become two."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def _held(sought: Sought, text: str) -> list[str]:
    """The first words that a text holds, and at most some that are parts of others; in order."""
    if len(sought) > _FEW:
        return sorted(sought.keys() & set(_WORD.findall(text)))
    held = [word for word in sought if word in text]
    return sorted(held) if len(held) > 1 else held


def _literal(sought: Sought, text: str) -> list[tuple[Kind, Span]]:
    held = _held(sought, text)
    forms = ((kind, form) for word in held for kind, form in sought[word])
    return [(kind, span) for kind, form in forms for span in _places(form, text)] if held else []


def _places(form: str, text: str) -> Iterator[Span]:
    start = text.find(form)
    while start >= 0:
        end = start + len(form)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            yield start, end
        start = text.find(form, start + 1)


def _beside(
    joined: Mapping[str, Kind], text: str, names: Iterable[tuple[Kind, Span]]
) -> Iterator[tuple[Kind, Span]]:
    """Words next to a name; after a space only with a capital, as in prose any word may follow."""
    for kind, (start, end) in names:
        for near in (_BEFORE.search(text, max(0, start - 40), start), _AFTER.match(text, end)):
            if near and joined.get(_folded(near["word"])) is kind:
                if near["sep"] != " " or near["word"][0].isupper():
                    yield kind, near.span("word")


def _grouped(
    numbers: Mapping[str, Kind], lengths: Iterable[int], text: str, stretch: re.Match[str]
) -> Iterator[tuple[Kind, Span]]:
    """Numbers among the digits of a stretch, where no other digit touches them."""
    digits = list(_DIGIT.finditer(text, *stretch.span()))
    own = "".join(digit[0] for digit in digits)
    for length in lengths:
        for at in range(len(own) - length + 1):
            kind = numbers.get(own[at : at + length])
            if kind is None:
                continue
            start, end = digits[at].start(), digits[at + length - 1].end()
            if not (text[start - 1 : start].isdecimal() or text[end : end + 1].isdecimal()):
                yield kind, (start, end)
