"""The intents of the first so and so many episodes, told from those before them."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from headrace.curate.intents import cluster
from headrace.curate.intents.cluster import Nearest
from headrace.curate.intents.name import Name, Namer, names
from headrace.curate.intents.request import Read, Requests
from headrace.curate.intents.succession import succession
from headrace.curate.near.label import Ids
from headrace.curate.semantic.encoder import Vectors

READ = 40  # requests that an intent is named by, the nearest to its middle


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The intents as they were clustered last."""

    ids: Sequence[str] = ()
    middles: Vectors
    episodes: int = 0  # that were clustered

    def __len__(self) -> int:
        return len(self.ids)


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The intents of the episodes that came first, so and so many."""

    ids: Sequence[str]
    middles: Vectors
    episodes: int
    fresh: Sequence[Name]
    gone: Mapping[str, str]  # intents that went into others

    @property
    def standing(self) -> Standing:
        return Standing(ids=self.ids, middles=self.middles, episodes=self.episodes)


def generation(
    size: int,
    some: Requests,
    read: Read,
    before: Sequence[str | None],
    taken: Sequence[str],
    namer: Namer | None,
) -> Generation:
    """Cluster some requests of `size` episodes; `before`: the intent in which each of them was.

    One that is found again keeps its id, new ones get a name that is not `taken`.
    """
    vectors = read.of(some)
    middles = cluster.middles(vectors, some.episodes)
    near = cluster.nearest(vectors, middles)
    told = succession(before, near.places, some.episodes, len(middles))
    wanted = [at for at in range(len(middles)) if at not in told.kept]
    texts = [read.said(_closest(some, near, at)) for at in range(len(middles))]
    fresh = names(texts, wanted, taken, namer)
    ids = [told.kept[at] if at in told.kept else fresh[at].intent_id for at in range(len(middles))]
    return Generation(
        ids=ids,
        middles=middles,
        episodes=size,
        fresh=list(fresh.values()),
        gone={old: ids[at] for old, at in sorted(told.gone.items())},
    )


def _closest(some: Requests, near: Nearest, at: int) -> Ids:
    """The requests of an intent that are nearest to its middle."""
    mine = np.flatnonzero(near.places == at)
    order = np.argsort(-near.cosines[mine], kind="stable")
    found: Ids = some.sources[mine[order]][:READ]
    return found
