"""Kinds of failures by what was said last: each joins the first kind that it is like."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.lake.message import Body, text_of

Vectors = NDArray[np.float32]

LIKE = 0.6  # cosine to the first failure of a kind
MOST = 300  # kinds; nobody reads more
CHARS = 1_000  # of a text: some 250 tokens, its end
NAME = 80  # characters of a name


class Kinds(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What failures were gathered into."""

    names: tuple[str | None, ...]  # of each failure; None: unlike any, and there are enough kinds
    cosines: tuple[float, ...]
    new: Mapping[str, Vectors]  # kinds that were not there before, with their vectors


def last_word(messages: Sequence[Body], finish_reason: str | None) -> str:
    """What an episode ended with: its last answer, and how it was cut off if it was."""
    said = (text_of(body.get("content")) for body in reversed(messages) if _answers(body))
    answer = " ".join(next(filter(str.strip, said), "").split())
    cut = finish_reason if finish_reason not in (None, "stop", "tool_calls") else None
    return " ".join(part for part in (cut, answer[-CHARS:]) if part)


def gather(texts: Sequence[str], vectors: Vectors, known: Mapping[str, Vectors]) -> Kinds:
    """Gather failures in their order, rows of length one; a kind keeps its first vector and name.

    Whoever comes later changes neither, so that names last from night to night.
    """
    leaders = dict(known)
    names: list[str | None] = []
    cosines: list[float] = []
    for text, vector in zip(texts, vectors, strict=True):
        name, cosine = _nearest(vector, leaders)
        if name is None or cosine < LIKE:
            name, cosine = None, 0.0
            if len(leaders) < MOST:
                name, cosine = _named(text, leaders), 1.0
                leaders[name] = vector
        names.append(name)
        cosines.append(round(cosine, 4))
    new = {name: leaders[name] for name in leaders if name not in known}
    return Kinds(names=tuple(names), cosines=tuple(cosines), new=new)


def _answers(body: Body) -> bool:
    return bool(body["role"] == "assistant")


def _nearest(vector: Vectors, leaders: Mapping[str, Vectors]) -> tuple[str | None, float]:
    if not leaders:
        return None, 0.0
    names = list(leaders)
    cosines = np.stack([leaders[name] for name in names]) @ vector
    best = int(np.argmax(cosines))
    return names[best], float(cosines[best])


def _named(text: str, taken: Mapping[str, Vectors]) -> str:
    """The beginning of what was said; a number where two kinds begin alike."""
    name = text if len(text) <= NAME else text[:NAME].rsplit(" ", 1)[0] + " ..."
    number = 2
    found = name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found
