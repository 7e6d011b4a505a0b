"""The messages of one episode without personal data.

`scrub` is a pure function of messages and key. Nothing is promised of names and addresses that
stand under no key: without a model they are words like any other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.curate.scrub import tree
from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.replacer import Replacer
from headrace.curate.scrub.surrogates import Surrogates
from headrace.curate.scrub.tree import Part
from headrace.ingest.memo import Memo
from headrace.ingest.secrets.tree import Stripper
from headrace.lake.message import Body

Finder = Callable[[str], Iterable[tuple[int, int, Kind]]]  # start, end and kind of each find

_MARK = "[secret:"


class Scrubbed(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that may be learnt from, and what was taken out of them."""

    messages: tuple[Body, ...]  # as many, with the roles, names of tools and ids that they had
    found: Mapping[str, int]  # places by kind, `secret` among them; a kind that was not found lacks
    surrogates: Mapping[str, str]  # HMAC-SHA256 of kind and value, in hex, to its surrogate
    kinds: Mapping[str, str]  # the same HMACs to their kinds


def scrub(
    messages: Sequence[Mapping[str, Any]], key: bytes, finder: Finder | None = None
) -> Scrubbed:
    """Canonical messages with surrogates for personal data and placeholders for secrets.

    A value has one surrogate wherever it stands: in texts, in arguments, in results, in other
    episodes scrubbed with `key`. What a second `finder` sees in one text is replaced in all of
    them. Scrubbing twice changes nothing. Raises ScrubKeyError for a key of less than 16 bytes.
    """
    surrogates = Surrogates(key)
    parts: list[Part] = []
    opened = [tree.mapped(body, lambda given: _kept(parts, given)) for body in messages]
    harvest = Harvest.of((part.leaves for part in parts), _more(parts, finder))
    work = Replacer(harvest, surrogates, [part.leaves for part in parts])
    secrets = Counter[str]()
    clean = tuple(tree.mapped(body, lambda part: _clean(work, part, secrets)) for body in opened)
    found = Counter(work.found) + secrets
    return Scrubbed(
        messages=clean,
        found=MappingProxyType({kind: found[kind] for kind in sorted(found)}),
        surrogates=surrogates.index,
        kinds=surrogates.kinds,
    )


def _more(parts: Iterable[Part], finder: Finder | None) -> Iterator[tuple[Kind, str]]:
    """What a second finder sees in the texts."""
    if finder is not None:
        for text in (text for part in parts for text in part.leaves.texts):
            yield from ((kind, text[start:end]) for start, end, kind in finder(text))


def _kept(parts: list[Part], given: object) -> Part:
    part = _known(given) if isinstance(given, str) else _taken(given)
    parts.append(part)
    return part


def _taken(given: object) -> Part:
    return Part.of(given, _stripped(given))


_known = Memo(_taken)  # prompts come with every episode, short results often


def _clean(work: Replacer, part: object, secrets: Counter[str]) -> object:
    assert isinstance(part, Part)
    bare = work.part(part)
    if bare is part.given:  # nothing was found, also by the first look for secrets
        return bare
    clean = _stripped(bare)
    secrets["secret"] += _secrets(clean) - _secrets(part.given)
    return clean


def _stripped(part: object) -> object:
    """Without the secrets that the drain did not know yet when the message came.

    Asked again at the end: JSON that was written anew has no escapes that a secret could hide in.
    """
    return Stripper().value(part)


def _secrets(part: object) -> int:
    return sum(text.count(_MARK) for text in tree.texts(part))
