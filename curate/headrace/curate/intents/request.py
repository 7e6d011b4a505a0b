"""What was asked: requests, whose vectors they share, and how many episodes asked them."""

from collections.abc import Sequence

import msgspec
import numpy as np

from headrace.curate.intents import cluster
from headrace.curate.intents.cluster import Counts
from headrace.curate.near.label import Ids
from headrace.curate.semantic.encoder import Vectors


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """Requests with a vector, whose it is, and their episodes; ids ascend."""

    ids: Ids
    sources: Ids
    episodes: Counts
    intents: Sequence[str | None]  # where they are

    def __len__(self) -> int:
        return len(self.ids)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, episode by episode in the order of arrival."""

    asked: Ids
    ids: Ids  # of the requests, ascending
    sources: Ids  # whose vector each of them has; -1 where there is none yet

    def first(self, size: int) -> Requests:
        """The requests of so many episodes, as far as they have a vector."""
        ids, episodes = np.unique(self.asked[:size], return_counts=True)
        sources = self.sources[np.searchsorted(self.ids, ids)]
        kept = sources >= 0
        return Requests(
            ids=ids[kept],
            sources=sources[kept],
            episodes=episodes[kept].astype(np.int64),
            intents=[None] * int(kept.sum()),
        )


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors and texts of requests; ids ascend."""

    ids: Ids
    vectors: Vectors
    texts: Sequence[str]

    def places(self, units: Ids) -> Ids:
        found: Ids = np.searchsorted(self.ids, units)
        return found

    def said(self, units: Ids) -> list[str]:
        return [self.texts[at] for at in self.places(units).tolist()]

    def of(self, some: Requests) -> Vectors:
        """The vectors of these, in their order."""
        found: Vectors = self.vectors[self.places(some.sources)]
        return found


def sampled(every: Requests) -> Requests:
    """One request for each vector, as many as are clustered, evenly."""
    sources, first, at = np.unique(every.sources, return_index=True, return_inverse=True)
    episodes = np.bincount(at, weights=every.episodes, minlength=len(sources))
    some = _spread(len(sources), cluster.SAMPLE)
    return Requests(
        ids=sources[some],
        sources=sources[some],
        episodes=episodes.astype(np.int64)[some],
        intents=[every.intents[row] for row in first[some].tolist()],
    )


def _spread(count: int, most: int) -> Ids:
    """So many of a range, evenly."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(np.int64))
