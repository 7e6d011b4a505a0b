"""How far a request agrees with a case that says the same in other words, or in another language.

No one likeness finds a rephrasing: vectors know meaning but not which number, letter or formula
was asked about; symbols stay when a text is translated; stems and runs of characters tell two
exercises of one template apart. So four likenesses are added up, meaning twice, and it is told how
far the best case leads the next one. Weights of words come from the cases alone, so that the same
cases and texts agree alike whatever else was stored before.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate import unit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAD, TOTAL = 0.18, 0.8  # of the best case, from which on a request may say the same
FLOOR = 0.5  # least cosine; none between two scripts, as vectors of one language know no other
SURE_LEAD, SURE_TOTAL = 1.0, 2.2  # from which on it does
MEANING = 2.0  # weight of the cosine beside stems, characters and symbols
TWINS = 0.97  # cosine from which on two cases ask the same: neither leads the other
STEM = 5  # characters
FEATURES = 2**20

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SYMBOL = re.compile(r"[a-z]+|\d+(?:\.\d+)?|[\^+*/=<>\[\]{}|()~-]|[\u3040-\u30ff\u4e00-\u9fff]")
_GRAMS = (3, 4, 5)  # characters

Rows = NDArray[np.float32]
Scores = NDArray[np.float64]
Analyser = Callable[[str], Iterable[str]]


class Best(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """For each request the case that agrees most."""

    item: NDArray[np.int64]
    cosine: Scores
    total: Scores  # 0 to 5
    lead: Scores  # over the next case that asks something else

    def __len__(self) -> int:
        return len(self.item)

    def alike(self, foreign: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Those that may say the same; `foreign` ones are written in another script."""
        close = (self.cosine >= FLOOR) | foreign
        found: NDArray[np.bool_] = (self.lead >= LEAD) & (self.total >= TOTAL) & close
        return found

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Those that say so nearly the same that nobody need be asked."""
        found: NDArray[np.bool_] = (self.lead >= SURE_LEAD) & (self.total >= SURE_TOTAL)
        return found


class Agreement:
    """Some cases, by text and vector; linear in the texts that are held against them."""

    def __init__(self, texts: Sequence[str], vectors: Rows) -> None:
        self._vectors = vectors
        self._channels = [_Channel(analyser, texts) for analyser in ANALYSERS]
        self._twins = vectors @ vectors.T >= TWINS if len(texts) else np.empty((0, 0), bool)

    def best(self, texts: Sequence[str], vectors: Rows) -> Best:
        """Of requests as users worded them; the first of equal cases."""
        cosines = (vectors @ self._vectors.T).astype(np.float64)
        totals = MEANING * cosines
        for channel in self._channels:
            totals += channel.likeness(texts)
        rows = np.arange(len(texts))
        item = totals.argmax(axis=1)
        total = totals[rows, item]
        rivals = np.where(self._twins[item], 0.0, totals)
        return Best(
            item=item,
            cosine=cosines[rows, item],
            total=total,
            lead=total - rivals.max(axis=1, initial=0.0),
        )


class _Channel:
    """TF-IDF over hashed features."""

    def __init__(self, analyser: Analyser, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        self._counts = HashingVectorizer(
            analyzer=analyser, n_features=FEATURES, norm=None, alternate_sign=False
        )
        self._weights = TfidfTransformer(sublinear_tf=True)
        self._weights.fit(self._counts.transform(texts))
        self._cases = self._rows(texts)

    def likeness(self, texts: Sequence[str]) -> Scores:
        """Requests x cases."""
        found: Any = (self._rows(texts) @ self._cases.T).toarray()
        return found  # type: ignore[no-any-return]

    def _rows(self, texts: Sequence[str]) -> "csr_matrix":
        found: csr_matrix = self._weights.transform(self._counts.transform(texts))
        return found


def is_latin(text: str) -> bool:
    """Whether most letters of a text are of the Latin alphabet; also where there are none."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(char < "\u0250" or "\u1e00" <= char < "\u1f00" for char in letters)
    return 2 * latin >= len(letters)


def stems(text: str) -> Iterable[str]:
    """The first characters of words; names in code are taken apart."""
    parts = _CAMEL.sub(" ", text).replace("_", " ")
    return (word[:STEM] for word in unit.words(parts))


def runs(text: str) -> Iterable[str]:
    """Characters within words, with the ends of these."""
    for word in unit.norm(text).split():
        padded = f" {word} "
        for size in _GRAMS:
            if len(padded) <= size:
                yield padded
                break
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def symbols(text: str) -> Iterable[str]:
    """Neighbouring numbers, single letters and signs, which a translation keeps."""
    found = [
        sign
        for sign in _SYMBOL.findall(unit.norm(text))
        if (len(sign) == 1 or sign[0].isdigit()) and not "\u3040" <= sign <= "\u9fff"
    ]
    return (f"{one} {other}" for one, other in zip(found, found[1:], strict=False))


ANALYSERS: tuple[Analyser, ...] = (stems, runs, symbols)
