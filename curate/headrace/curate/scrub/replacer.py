"""Replaces what was found, in opened JSON and in texts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from headrace.curate.scrub import profile
from headrace.curate.scrub.field import rules
from headrace.curate.scrub.finds import Find, alone, together
from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.surrogates import Surrogates
from headrace.curate.scrub.tree import LEAST_NUMBER, Embedded, Leaves, Part, kind_of
from headrace.ingest.jsontext import written
from headrace.ingest.secrets.text import PLACEHOLDER

PASSES = 8  # what a replaced value leaves may be one by itself: again until nothing changes

_PLACEHOLDER = re.compile(PLACEHOLDER)
_PICTURE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")

Made = tuple[str, list[str]]  # a text without what was found in it, and the kind of each find


class Replacer:
    """Replaces in one episode, and counts what it replaced."""

    def __init__(
        self, harvest: Harvest, surrogates: Surrogates, leaves: Iterable[Leaves] = ()
    ) -> None:
        self._harvest = harvest
        self._surrogates = surrogates
        self._made: dict[tuple[str, str], Made] = {}  # by kind and text: results repeat themselves
        self._clean: set[str] = set()  # texts in which nothing is found, without a kind
        self.found: dict[str, int] = {}
        self._look(list(leaves))

    def part(self, given: Part) -> object:
        """A part of a message without personal data; the same object where none was found."""
        own = given.leaves
        if own.typed or not self._clean.issuperset(chain(own.texts, own.keys, own.numbers)):
            return self.value(given.value)
        return given.bare

    def value(self, given: object, kind: Kind | None = None, key: str = "") -> object:
        """A value without personal data; of the same type, with the same fields."""
        if isinstance(given, str):
            return self.text(given, kind)
        if isinstance(given, dict):
            return self._mapping(given, key)
        if isinstance(given, Embedded):
            return self._embedded(given, kind, key)
        if isinstance(given, list):
            return [self.value(item, kind, key) for item in given]
        if isinstance(given, int) and not isinstance(given, bool):
            return self._number(given, kind)
        return given

    def text(self, given: str, kind: Kind | None = None) -> str:
        """A text that is no JSON; `kind`: what its key tells."""
        if kind is None and given in self._clean or _is_picture(given):
            return given
        name = "" if kind is None else kind.name
        made = self._made.get((name, given))
        if made is None:
            made = self._made[name, given] = self._replaced(given, kind)
        text, kinds = made
        for found in kinds:
            self.found[found] = self.found.get(found, 0) + 1
        if kind is None and text == given:
            self._clean.add(given)
        return text

    def _look(self, leaves: Sequence[Leaves]) -> None:
        """Replace all that an episode holds at one look, and see at a second what is done by it."""
        every = chain.from_iterable((*own.texts, *own.keys, *own.numbers) for own in leaves)
        seen = together(every, self._harvest, _fielded(leaves))
        self._clean = {text for text, finds in seen.items() if not finds}
        changed: dict[tuple[str, str], Kind | None] = {}
        for (name, text), kind in self._told(leaves).items():
            once = self._made[name, text] = self._once(text, kind, seen.get(text))
            if once[1]:
                changed[name, text] = kind
            elif kind is None:
                self._clean.add(text)
        bare = dict.fromkeys(self._made[told][0] for told in changed)
        again = together(bare, self._harvest, {text for text in bare if profile.regions(text)})
        for told, kind in changed.items():
            text, kinds = self._made[told]
            if again.get(text, True) or (kind is not None and any(kind.typed(text))):
                self._made[told] = self._replaced(text, kind, kinds)

    def _told(self, leaves: Iterable[Leaves]) -> dict[tuple[str, str], Kind | None]:
        """The texts in which something may be found, with what their keys tell."""
        told: dict[tuple[str, str], Kind | None] = {}
        for own in leaves:
            told.update(((kind.name, text), kind) for kind, text in own.typed)
            loose = chain(own.loose, own.keys, own.numbers)
            told.update((("", text), None) for text in loose if text not in self._clean)
        return {one: kind for one, kind in told.items() if not _is_picture(one[1])}

    def _replaced(self, text: str, kind: Kind | None, before: Sequence[str] = ()) -> Made:
        """The text until nothing is found in it; `before`: what was found in it at a first look."""
        kinds = list(before)
        for _ in range(PASSES - 1 if before else PASSES):
            text, found = self._once(text, kind)
            if not found:
                break
            kinds += found
        return text, kinds

    def _once(self, text: str, kind: Kind | None, seen: Sequence[Find] | None = None) -> Made:
        finds = self._chosen(text, kind, alone(text, self._harvest) if seen is None else seen)
        return self._spliced(text, finds), [found.name for _, _, found in finds]

    def _embedded(self, given: Embedded, kind: Kind | None, key: str) -> str:
        before = self.found.copy()
        bare = self.value(given.value, kind, key)
        if self.found == before:
            return given.text
        try:
            return written(bare)
        except ValueError:  # what only Python can hold, or as deep as it can go
            self.found = before
            return self.text(given.text, kind)

    def _mapping(self, given: Mapping[str, object], key: str) -> dict[str, object]:
        out: dict[str, object] = {}
        for own, (field, value) in zip(rules(key, given), given.items(), strict=True):
            name = field if own.plain else self.text(field)
            out[_free(name, out)] = self.value(value, kind_of(own, value), field)
        return out

    def _number(self, given: int, kind: Kind | None) -> int:
        if given < LEAST_NUMBER and kind is None:
            return given
        before = self.found.copy()
        bare = self.text(str(given), kind)
        if bare.isdecimal():
            return int(bare)
        self.found = before
        return given

    def _chosen(self, text: str, kind: Kind | None, seen: Sequence[Find]) -> list[Find]:
        """Finds that do not overlap, in their order; the longest has its place."""
        finds = [] if kind is None else [(a, b, kind) for a, b in kind.typed(text)]
        finds += seen
        if not finds:
            return []
        taken = bytearray(len(text))
        for placeholder in _PLACEHOLDER.finditer(text):
            _take(taken, *placeholder.span())
        chosen: list[Find] = []
        for find in sorted(finds, key=lambda found: found[0] - found[1]):  # stable
            if taken.find(1, find[0], find[1]) < 0:
                _take(taken, find[0], find[1])
                chosen.append(find)
        return sorted(chosen, key=lambda found: found[0])

    def _spliced(self, text: str, finds: list[Find]) -> str:
        if not finds:
            return text
        out: list[str] = []
        at = 0
        for start, end, kind in finds:
            out += [text[at:start], self._surrogates.of(kind, text[start:end])]
            at = end
        return "".join([*out, text[at:]])


def _take(taken: bytearray, start: int, end: int) -> None:
    taken[start:end] = b"\1" * (end - start)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """A key that is not taken: two values may share a surrogate."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _fielded(leaves: Iterable[Leaves]) -> set[str]:
    """The texts that hold fields in lines."""
    keys = (key for own in leaves for key in own.keys if profile.regions(key))
    return {*chain.from_iterable(own.lines for own in leaves), *keys}


def _is_picture(text: str) -> bool:
    return text.startswith("data:") and _PICTURE.match(text) is not None
