"""Personal data of an episode found again by HMACs alone, once its raw texts are gone."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from headrace.curate.scrub import tree
from headrace.curate.scrub.catalogue import KINDS
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.surrogates import digest_of
from headrace.curate.scrub.word import ORDINARY
from headrace.lake.message import Body, dump

Known = Mapping[str, Collection[str]]  # kind -> HMACs in hex of the values that stood in an episode

# The kinds that a text alone does not tell, each with a key that does.
_KEYS = MappingProxyType(
    {
        "address": "address",
        "birth": "date_of_birth",
        "card": "card_number",
        "name": "name",
        "phone": "phone",
        "postcode": "zip_code",
        "ssn": "ssn",
    }
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_PIECE = re.compile(r"\S+")
_AROUND = ".,;:!?()[]\"'"
_RUN = 12  # words of the longest value that is looked for


def told(value: object, known: Known, key: bytes) -> list[Body]:
    """What a value says of the people of an episode, as a message that a scrub learns from."""
    people = [{_KEYS[kind]: text} for kind, text in sorted({*_found(value, known, key)})]
    return [{"role": "tool", "content": dump({"customers": people})}] if people else []


def _found(value: object, known: Known, key: bytes) -> Iterator[tuple[str, str]]:
    leaves = tree.leaves(tree.opened(value))
    for name in _KEYS.keys() & known.keys():
        for text in (*leaves.texts, *leaves.keys, *leaves.numbers):
            for tried in _words(text) if name == "name" else _runs(text):
                found = (one for one in tried if _held(KINDS[name], one, known[name], key))
                yield from ((name, one) for one in islice(found, 1))


def _held(kind: Kind, text: str, digests: Collection[str], key: bytes) -> bool:
    return any(
        digest_of(kind, kind.canonical(text[start:end]), key).hex() in digests
        for start, end in kind.typed(text)
    )


def _words(text: str) -> Iterator[list[str]]:
    """Words that may be names, each by itself: "will" is one with a capital alone."""
    for found in _WORD.finditer(text):
        if found[0][0].isupper() or found[0].lower() not in ORDINARY:
            yield [found[0]]


def _runs(text: str) -> Iterator[list[str]]:
    """From each word on: it and those that follow, the shortest first, with a digit among them.

    The shortest is enough: an address is known by the line that tells the house.
    """
    pieces = [found.span() for found in _PIECE.finditer(text)]
    for n, (start, _) in enumerate(pieces):
        runs = (text[start:end].strip(_AROUND) for _, end in pieces[n : n + _RUN])
        yield [run for run in runs if any(c.isdigit() for c in run)]
