"""Names of people, known by the keys they stand under, and by those alone."""

import re
from collections.abc import Iterable, Iterator

from headrace.curate.scrub import fiction
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Form, Kind, Span, nowhere
from headrace.curate.scrub.word import NEVER, ORDINARY

_LONGEST = 80  # characters of a name; more is a text
_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_NAME = re.compile(r"[0-9@/\\<>{}\[\]|=:;_#$%*?!]")
_FULL = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?: [^\W\d_][^\W\d_'’.-]*){1,3}")


def typed(text: str) -> Iterator[Span]:
    """The words of a name, one by one: people are called by a part of it."""
    if len(text) > _LONGEST or _NO_NAME.search(text):
        return
    for word in _WORD.finditer(text):
        if word[0].lower() not in NEVER and not fiction.invented(word[0]):
            yield word.span()


def full(text: str) -> bool:
    """Whether a text looks like first and last name, without any key that says so."""
    return _FULL.fullmatch(text.strip()) is not None and _capitals(text)


def capital(text: str) -> bool:
    """Whether a text looks like a name where its key speaks of a person."""
    return len(text) <= _LONGEST and not _NO_NAME.search(text) and _capitals(text)


def _capitals(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= 4 and all(word[0].isupper() for word in words)


def _surrogate(written: str, draw: Draw) -> str:
    fresh = fiction.name(draw)
    if written.isupper():
        return fresh.upper()
    return fresh.lower() if written.islower() else fresh


def _forms(value: str) -> Iterable[Form]:
    """In any case of letters, but "Will" the customer does not rewrite "I will"."""
    if len(value) < 3:
        return (Form(value, "joined"),)
    if value.lower() in ORDINARY:
        return Form(value, "exact"), Form(value, "joined")
    return (Form(value, "folded"),)


NAME = Kind(
    name="name",
    about="names that stand under a key of their episode, wherever they come again in it",
    hint=None,
    find=nowhere,
    typed=typed,
    canonical=str.casefold,
    surrogate=_surrogate,
    forms=_forms,
)
