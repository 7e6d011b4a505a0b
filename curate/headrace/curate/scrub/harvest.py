"""Values under telling keys of one episode, to be found again anywhere in it."""

import re
from collections.abc import Iterable, Iterator
from typing import Self

import msgspec

from headrace.curate.scrub import profile, tree
from headrace.curate.scrub.catalogue import KINDS
from headrace.curate.scrub.kind import Form, Kind, Span

_MOST = 2_000  # values of a kind: the longest, lest a dump of a directory stops the night
_DIGIT = re.compile("[0-9]")
_STRETCH = re.compile(r"[0-9](?:[ ().\-/]{0,2}[0-9]){6,}")


class Harvest(msgspec.Struct, frozen=True):
    """What an episode gave away of its people: forms in lower case where case does not count."""

    exact: tuple[tuple[Kind, str], ...]
    folded: tuple[tuple[Kind, str], ...]
    numbers: tuple[tuple[Kind, str], ...]

    @classmethod
    def of(cls, values: Iterable[object]) -> Self:
        """From the opened parts of an episode's messages."""
        found: dict[str, set[str]] = {}
        for kind, text in _told(values):
            own = found.setdefault(kind.name, set())
            own.update(text[start:end] for start, end in kind.typed(text))
        forms = [
            (KINDS[name], form) for name in sorted(found) for form in _forms(name, found[name])
        ]
        return cls(
            exact=tuple((kind, form.text) for kind, form in forms if form.how == "exact"),
            folded=tuple(
                (kind, _folded(form.text)) for kind, form in forms if form.how == "folded"
            ),
            numbers=tuple((kind, form.text) for kind, form in forms if form.how == "digits"),
        )

    def find(self, text: str) -> Iterator[tuple[Kind, Span]]:
        """Where a harvested value stands in a text, between signs or spaces."""
        yield from _literal(self.exact, text)
        if self.folded:
            yield from _literal(self.folded, _folded(text))
        if self.numbers:
            for stretch in _STRETCH.finditer(text):
                yield from _grouped(self.numbers, text, stretch)


def _told(values: Iterable[object]) -> Iterator[tuple[Kind, str]]:
    for value in values:
        yield from tree.typed(value)
        for text in tree.texts(value):
            yield from ((kind, text[a:b]) for a, b, kind in profile.regions(text))


def _forms(name: str, held: set[str]) -> Iterator[Form]:
    """Each form once; sorted, as what is found must not depend on the order of a set."""
    longest = sorted(held, key=lambda value: (-len(value), value))[:_MOST]
    yield from dict.fromkeys(form for value in longest for form in KINDS[name].forms(value))


def _folded(text: str) -> str:
    """Lower case, of the same length: a few letters would become two."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def _literal(forms: Iterable[tuple[Kind, str]], text: str) -> Iterator[tuple[Kind, Span]]:
    for kind, form in forms:
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
                yield kind, (start, end)
            start = text.find(form, start + 1)


def _grouped(
    numbers: Iterable[tuple[Kind, str]], text: str, stretch: re.Match[str]
) -> Iterator[tuple[Kind, Span]]:
    """A number among the digits of a stretch, where no other digit touches it."""
    own = "".join(_DIGIT.findall(stretch[0]))
    for kind, number in numbers:
        at = own.find(number)
        if at < 0:
            continue
        places = [digit.start() for digit in _DIGIT.finditer(text, *stretch.span())]
        start, end = places[at], places[at + len(number) - 1] + 1
        if not (text[start - 1 : start].isdecimal() or text[end : end + 1].isdecimal()):
            yield kind, (start, end)
