"""Made-up texts, some of them edits of others: how alike two of them are is known exactly."""

from string import ascii_lowercase

import msgspec
import numpy as np

WORDS = 30_000
EDITED = 0.36  # of the texts
BOILERPLATE, BOILERPLATES = 1 / 3, 20
LETTERS = np.array(list(ascii_lowercase))


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """Texts, and the pairs (original, edit) among them."""

    texts: list[str]
    pairs: list[tuple[int, int]]


def planted(count: int, drawn: np.random.Generator) -> Planted:
    """So many texts of 30 to 120 words; edits change from one word to a tenth of them."""
    words = _vocabulary(drawn)
    openings = [_draw(words, 25, drawn) for _ in range(BOILERPLATES)]
    originals = int(count * (1 - EDITED))
    texts = [_original(words, openings, drawn) for _ in range(originals)]
    pairs = []
    for name in range(originals, count):
        of = int(drawn.integers(originals))
        pairs.append((of, name))
        texts.append(_edit(texts[of], words, drawn))
    return Planted(texts=[" ".join(text) for text in texts], pairs=pairs)


def jaccard(one: str, other: str, gram: int = 3) -> float:
    """The exact index of the word n-grams."""
    a, b = (
        {tuple(words[i : i + gram]) for i in range(len(words) - gram + 1)}
        for words in (one.split(), other.split())
    )
    return len(a & b) / len(a | b)


def _vocabulary(drawn: np.random.Generator) -> list[str]:
    return ["".join(row[: 2 + at % 8]) for at, row in enumerate(drawn.choice(LETTERS, (WORDS, 9)))]


def _draw(words: list[str], count: int, drawn: np.random.Generator) -> list[str]:
    """Words as often as in a language: the n-th has a share of about 1 / n."""
    ranks = np.exp(drawn.random(count) * np.log(WORDS)).astype(int) - 1
    return [words[rank] for rank in ranks]


def _original(words: list[str], openings: list[list[str]], drawn: np.random.Generator) -> list[str]:
    own = _draw(words, int(drawn.integers(30, 105)), drawn)
    shared = drawn.random() < BOILERPLATE
    return [*openings[drawn.integers(BOILERPLATES)], *own] if shared else own


def _edit(text: list[str], words: list[str], drawn: np.random.Generator) -> list[str]:
    """Words replaced, left out or put in, at places anywhere."""
    text = list(text)
    for _ in range(int(drawn.integers(1, 2 + len(text) // 10))):
        at, kind = int(drawn.integers(len(text))), drawn.integers(3)
        text[at : at + (kind != 2)] = [] if kind == 1 else _draw(words, 1, drawn)
    return text
