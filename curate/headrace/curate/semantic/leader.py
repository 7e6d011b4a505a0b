"""Leaders: each request joins the nearest one before it that means the same, or becomes one.

Not single links, which chain what is alike into what is not. Leaders never move: who comes later
changes nobody's place. Requests of one skeleton are compared with each other alone.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.errors import RecipeMixError
from headrace.curate.near.label import Ids
from headrace.curate.semantic.encoder import Vectors
from headrace.curate.semantic.polarity import opposed

LEAST = 0.7  # cosine

BLOCK = 512  # requests that are compared at once
_ROUNDING = 1e-4  # more than fp32 loses in one product

Cosines = NDArray[np.float64]


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """Requests in the order in which they came; vectors as they are stored, in 16 bits."""

    recipe: str  # of the vectors
    ids: Ids
    texts: Sequence[str]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, stop: int) -> "Requests":
        return Requests(
            recipe=self.recipe,
            ids=self.ids[start:stop],
            texts=self.texts[start:stop],
            vectors=self.vectors[start:stop],
        )


class Leaders:
    """The leaders of one skeleton; nights in sequence give those of one night over all.

    Cosines that decide are exact: products of 16-bit numbers, and sums of so few, fit into 64
    bits. Hence no block and no library changes who leads.
    """

    def __init__(self, standing: Requests, least: float = LEAST) -> None:
        self.recipe = standing.recipe
        self._least = least
        self._ids = standing.ids.tolist()
        self._texts = list(standing.texts)
        self._vectors = Rows(standing.vectors)

    def join(self, new: Requests) -> tuple[Ids, Cosines]:
        """The leader of each new request and the cosine to it; itself and 1 where it leads.

        Raises RecipeMixError where the vectors are of another recipe than those that stand.
        """
        if new.recipe != self.recipe:
            raise RecipeMixError(
                f"vectors of {new.recipe!r} cannot be compared with those of {self.recipe!r}: "
                "embed the requests anew with one model"
            )
        parts = [self._joined(new.part(at, at + BLOCK)) for at in range(0, len(new), BLOCK)]
        found = [pair for part in parts for pair in part]
        leaders = np.array([leader for leader, _ in found], dtype=np.int64)
        return leaders, np.array([cosine for _, cosine in found], dtype=np.float64)

    def _joined(self, new: Requests) -> list[tuple[int, float]]:
        before = self._before(new.vectors)
        exact = new.vectors.astype(np.float64)
        among = exact @ exact.T
        found: list[tuple[int, float]] = []
        born: list[int] = []  # rows of this block that lead
        first = len(self._ids)
        for row, text in enumerate(new.texts):
            near = before[row] + [
                (float(among[row, at]), first + n)
                for n, at in enumerate(born)
                if among[row, at] >= self._least
            ]
            leader = self._nearest(text, near)
            if leader is None:
                born.append(row)
                self._ids.append(int(new.ids[row]))
                self._texts.append(text)
            found.append((self._ids[-1], 1.0) if leader is None else leader)
        self._vectors.add(new.vectors[born])
        return found

    def _before(self, vectors: Vectors) -> list[list[tuple[float, int]]]:
        """For each vector the cosine and place of the standing leaders that are near enough."""
        leaders = self._vectors.rows
        rough = vectors @ leaders.T
        rows, places = np.nonzero(rough >= self._least - _ROUNDING)
        exact = np.einsum(
            "ij,ij->i", vectors[rows].astype(np.float64), leaders[places].astype(np.float64)
        )
        found: list[list[tuple[float, int]]] = [[] for _ in vectors]
        for row, place, cosine in zip(rows.tolist(), places.tolist(), exact.tolist(), strict=True):
            if cosine >= self._least:
                found[row].append((cosine, place))
        return found

    def _nearest(self, text: str, near: list[tuple[float, int]]) -> tuple[int, float] | None:
        """The nearest that asks for no opposite; of two as near, the older."""
        for cosine, place in sorted(near, key=lambda told: (-told[0], told[1])):
            if not opposed(text, self._texts[place]):
                return self._ids[place], cosine
        return None


class Rows:
    """Vectors that grow in number without being copied each time."""

    def __init__(self, rows: Vectors) -> None:
        self._held = rows
        self._count = len(rows)

    @property
    def rows(self) -> Vectors:
        return self._held[: self._count]

    def add(self, more: Vectors) -> None:
        wanted = self._count + len(more)
        if wanted > len(self._held):
            grown = np.empty((2 * wanted, more.shape[1]), dtype=np.float32)
            grown[: self._count] = self.rows
            self._held = grown
        self._held[self._count : wanted] = more
        self._count = wanted
