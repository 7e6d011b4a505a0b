"""Replaces what was found, in opened JSON and in texts."""

import re
from collections.abc import Mapping
from itertools import chain

from headrace.curate.scrub import profile
from headrace.curate.scrub.catalogue import possible
from headrace.curate.scrub.field import rules
from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.surrogates import Surrogates
from headrace.curate.scrub.tree import Embedded, Part, kind_of
from headrace.ingest.jsontext import written
from headrace.ingest.memo import Memo
from headrace.ingest.secrets.text import PLACEHOLDER

PASSES = 8  # what a replaced value leaves may be one by itself: again until nothing changes

_PLACEHOLDER = re.compile(PLACEHOLDER)
_PICTURE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")
_LEAST_NUMBER = 1_000_000  # fewer digits tell nobody

Find = tuple[int, int, Kind]


class Replacer:
    """Replaces in one episode, and counts what it replaced."""

    def __init__(self, harvest: Harvest, surrogates: Surrogates) -> None:
        self._harvest = harvest
        self._surrogates = surrogates
        self._clean: set[str] = set()  # tool results repeat themselves
        # whether texts of this part can hold what is known by its shape, and what they can hold
        # of what keys told
        self._alone: bool = True
        self._told: Harvest | None = harvest
        self.found: dict[str, int] = {}

    def part(self, given: Part) -> object:
        """A part of a message without personal data; the same object where none was found."""
        self._alone, self._told = self._possible(given)
        if self._alone or self._told or given.leaves.typed:
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
        if kind is None and self._is_clean(given):
            return given
        if given.startswith("data:") and _PICTURE.match(given):
            return given
        text, alone, told = given, self._alone, self._told
        for _ in range(PASSES):
            finds = self._chosen(text, kind, alone=alone, told=told)
            if not finds:
                break
            text, alone, told = self._spliced(text, finds), True, self._harvest
        if kind is None and text == given:
            self._clean.add(given)
        return text

    def _is_clean(self, text: str) -> bool:
        """Whether nothing is found in a text; most texts of a result are short words of its own."""
        if text in self._clean:
            return True
        if self._alone and _known(text) or self._told is not None and self._told.touches(text):
            return False
        self._clean.add(text)
        return True

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
        if given < _LEAST_NUMBER and kind is None:
            return given
        before = self.found.copy()
        bare = self.text(str(given), kind)
        if bare.isdecimal():
            return int(bare)
        self.found = before
        return given

    def _possible(self, given: Part) -> tuple[bool, Harvest | None]:
        """Whether its texts can hold what is known by its shape, and what of the harvest they can.

        Where JSON has no escapes its texts stand in it as they are: one look does for all.
        """
        if not isinstance(given.value, Embedded):
            return True, self._harvest
        whole = given.value.text
        if "\\" in whole or not (whole.isascii() or len(whole.lower()) == len(whole)):
            return True, self._harvest
        texts = chain(given.leaves.texts, given.leaves.keys)
        alone = bool(possible(whole)) or any(map(profile.regions, texts))
        return alone, self._harvest.within(whole)

    def _chosen(
        self, text: str, kind: Kind | None, *, alone: bool, told: Harvest | None
    ) -> list[Find]:
        """Finds that do not overlap, in their order; the longest has its place."""
        finds = [] if kind is None else [(a, b, kind) for a, b in kind.typed(text)]
        if alone:
            finds += _known(text)
        if told is not None and (seen := told.find(text)):
            finds += [(a, b, sought) for sought, (a, b) in seen]
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
        out: list[str] = []
        at = 0
        for start, end, kind in finds:
            out += [text[at:start], self._surrogates.of(kind, text[start:end])]
            self.found[kind.name] = self.found.get(kind.name, 0) + 1
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


def _shaped(text: str) -> tuple[Find, ...]:
    """What is found in a text whatever its episode tells."""
    finds = [(a, b, detector) for detector in possible(text) for a, b in detector.find(text)]
    for start, end, told in profile.regions(text):
        finds += ((start + a, start + b, told) for a, b in told.typed(text[start:end]))
    return tuple(finds)


_known = Memo(
    _shaped, most_bytes=512 * 1024
)  # system prompts come with every episode, words of results with most
