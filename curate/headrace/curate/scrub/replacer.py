"""Replaces what was found, in opened JSON and in texts."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate, chain

from headrace.curate.scrub import profile
from headrace.curate.scrub.catalogue import possible
from headrace.curate.scrub.field import rules
from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.surrogates import Surrogates
from headrace.curate.scrub.tree import LEAST_NUMBER, Embedded, Leaves, Part, kind_of
from headrace.ingest.jsontext import written
from headrace.ingest.memo import Memo
from headrace.ingest.secrets.text import PLACEHOLDER

PASSES = 8  # what a replaced value leaves may be one by itself: again until nothing changes

_PLACEHOLDER = re.compile(PLACEHOLDER)
_PICTURE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")
_SEAM = "\n\0\n"  # between texts: no find reaches over one
_LONG = 150  # characters of a text that is looked at by itself

Find = tuple[int, int, Kind]


class Replacer:
    """Replaces in one episode, and counts what it replaced."""

    def __init__(
        self, harvest: Harvest, surrogates: Surrogates, leaves: Iterable[Leaves] = ()
    ) -> None:
        self._harvest = harvest
        self._surrogates = surrogates
        self._clean = _clean(leaves, harvest)  # texts in which nothing is found, without a kind
        self._made: dict[tuple[str, str], tuple[str, list[str]]] = {}  # results repeat themselves
        self.found: dict[str, int] = {}

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

    def _replaced(self, text: str, kind: Kind | None) -> tuple[str, list[str]]:
        """The text without what is found in it, and the kind of each find."""
        kinds: list[str] = []
        for _ in range(PASSES):
            finds = self._chosen(text, kind)
            if not finds:
                break
            kinds += [found.name for _, _, found in finds]
            text = self._spliced(text, finds)
        return text, kinds

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

    def _chosen(self, text: str, kind: Kind | None) -> list[Find]:
        """Finds that do not overlap, in their order; the longest has its place."""
        finds = [] if kind is None else [(a, b, kind) for a, b in kind.typed(text)]
        finds += _shaped(text) if len(text) <= _LONG else _known(text)
        finds += [(a, b, sought) for sought, (a, b) in self._harvest.find(text)]
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


def _clean(leaves: Iterable[Leaves], harvest: Harvest) -> set[str]:
    """The short texts of an episode in which nothing is found, told by one look over all of them.

    Most texts of a result are words of its own: to look at each would take three times as long.
    """
    texts, seen = _short(leaves)
    whole = _SEAM.join(texts)
    starts = list(accumulate((len(text) + len(_SEAM) for text in texts), initial=0))
    found = [start for detector in possible(whole) for start, _ in detector.find(whole)]
    found += [start for _, (start, _) in harvest.find(whole)]
    return set(texts) - seen - {texts[bisect_right(starts, start) - 1] for start in found}


def _short(leaves: Iterable[Leaves]) -> tuple[list[str], set[str]]:
    """What can be looked at together, and the texts that hold fields in lines."""
    texts: dict[str, None] = {}
    fields: set[str] = set()
    for own in leaves:
        fields.update(own.lines, (key for key in own.keys if profile.regions(key)))
        for text in chain(own.texts, own.keys, own.numbers):
            if len(text) <= _LONG and (text.isascii() or len(text.lower()) == len(text)):
                texts[text] = None
    return list(texts), fields


def _is_picture(text: str) -> bool:
    return text.startswith("data:") and _PICTURE.match(text) is not None


def _shaped(text: str) -> tuple[Find, ...]:
    """What is found in a text whatever its episode tells."""
    finds = [(a, b, detector) for detector in possible(text) for a, b in detector.find(text)]
    for start, end, told in profile.regions(text):
        finds += ((start + a, start + b, told) for a, b in told.typed(text[start:end]))
    return tuple(finds)


# system prompts come with every episode
_known = Memo(_shaped, most_bytes=512 * 1024)
