"""Fields written as lines of a text: `Name: Jane Doe`, `- **Phone**: ...`, "my name is ..."."""

import re
from collections.abc import Iterator, Sequence

from headrace.curate.scrub import field
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME, capital
from headrace.ingest.memo import Memo

_LINE = re.compile(
    r"^[ \t>*-]{0,8}(?P<key>[A-Za-z][A-Za-z _-]{1,30}?)\*{0,2}[ \t]{0,8}[:=]"
    r"[ \t]{0,8}\*{0,2}[ \t]{0,8}(?P<value>[^\s*][^\n]{1,120}?)[ \t*]{0,8}$",
    re.MULTILINE,
)
_TOLD = re.compile(r"\b[Mm]y (?:full )?name is (?P<value>[^\W\d_]+(?: [^\W\d_]+){0,2})")

Region = tuple[int, int, Kind]  # start and end of a value, and its kind


def regions(text: str) -> Sequence[Region]:
    """The values of a text's lines whose keys tell a kind, and names that people give."""
    if ":" in text or "=" in text or "y name is " in text or "y full name is " in text:
        return _known(text)
    return ()


def _each(text: str) -> Iterator[Region]:
    if ":" in text or "=" in text:
        for line in _LINE.finditer(text):
            kind = field.kind_of(line["key"], line["value"], of_person=False)
            if kind is not None:
                yield line.start("value"), line.end("value"), kind
    if "y name is " in text or "y full name is " in text:
        yield from (_name(text, told) for told in _TOLD.finditer(text))


def _name(text: str, told: re.Match[str]) -> Region:
    """As many words as have capitals; all, where the first has none."""
    start, end = told.span("value")
    words = told["value"].split()
    while len(words) > 1 and not capital(words[-1]):
        words.pop()
    return start, start + len(" ".join(words)), NAME


def _all(text: str) -> Sequence[Region]:
    return tuple(_each(text))


_known = Memo(_all)  # asked twice in an episode, and in every one that has the same prompt
