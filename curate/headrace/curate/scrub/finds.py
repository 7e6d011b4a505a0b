"""What is found in texts: in one by itself, and in many at one look."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate

from headrace.curate.scrub import profile
from headrace.curate.scrub.catalogue import possible
from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.kind import Kind
from headrace.ingest.memo import Memo

Find = tuple[int, int, Kind]

_SEAM = "\n\0\n"  # between texts: no find reaches over one
_LONG = 150  # characters of a text that is looked at by itself


def alone(text: str, harvest: Harvest) -> list[Find]:
    """What is found in a text, without what the key that it stands under tells."""
    return [*(_shaped(text) if len(text) <= _LONG else _known(text)), *_sought(text, harvest)]


def together(
    texts: Iterable[str], harvest: Harvest, apart: Collection[str] = frozenset()
) -> dict[str, list[Find]]:
    """The same of many texts, by text; whatever is left out has to be looked at alone.

    Most texts of a result are words of its own: to look at each would take three times as long.
    Left out are long ones, those `apart`, which are the ones with fields in lines, and those that a
    look at all of them may tell otherwise, as case is not the same for all who look at letters
    beyond ASCII.
    """
    short = [
        text
        for text in dict.fromkeys(texts)
        if len(text) <= _LONG
        and text not in apart
        and (text.isascii() or len(text.lower()) == len(text))
    ]
    found: dict[str, list[Find]] = {text: [] for text in short}
    whole = _SEAM.join(short)
    starts = list(accumulate((len(text) + len(_SEAM) for text in short), initial=0))
    for start, end, kind in (*_detected(whole), *_sought(whole, harvest)):
        at = bisect_right(starts, start) - 1
        found[short[at]].append((start - starts[at], end - starts[at], kind))
    return {text: finds for text, finds in found.items() if not finds or text.isascii()}


def _shaped(text: str) -> tuple[Find, ...]:
    """What is found in a text whatever its episode tells."""
    finds = list(_detected(text))
    for start, end, told in profile.regions(text):
        finds += ((start + a, start + b, told) for a, b in told.typed(text[start:end]))
    return tuple(finds)


def _detected(text: str) -> Iterator[Find]:
    return ((a, b, detector) for detector in possible(text) for a, b in detector.find(text))


def _sought(text: str, harvest: Harvest) -> Iterator[Find]:
    return ((start, end, kind) for kind, (start, end) in harvest.find(text))


# system prompts come with every episode
_known = Memo(_shaped, most_bytes=512 * 1024)
