"""Work on many episodes that touches nothing else, on all cores where there is enough of it."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from headrace.curate.backlog import Chunk

LEAST = 4_000  # episodes; for fewer it takes longer to start processes than to do without

T = TypeVar("T")


class Calm(Generic[T]):
    """Work without the garbage collector in between.

    Episodes hold no cycles, and looking for some took a tenth of the time.
    """

    def __init__(self, work: Callable[[Chunk], T]) -> None:
        self._work = work

    def __call__(self, part: Chunk) -> T:
        was = gc.isenabled()
        gc.disable()
        try:
            return self._work(part)
        finally:
            if was:
                gc.enable()


class Workers:
    """So many processes for a backlog of so many episodes; none where it is small.

    loky starts them, so that scripts need no guard around their main part.
    """

    def __init__(self, wanted: int | None, episodes: int) -> None:
        count = wanted or len(os.sched_getaffinity(0))
        self._count = count if episodes >= LEAST else 1

    def over(self, work: Callable[[Chunk], T], chunk: Chunk) -> Iterator[T]:
        """What `work` makes of the parts of a chunk, in their order; it must be importable."""
        calm, parts = Calm(work), chunk.parts()
        return map(calm, parts) if self._count == 1 else self._sent(calm, parts)

    def _sent(self, work: Callable[[Chunk], T], parts: Iterable[Chunk]) -> Iterator[T]:
        from joblib import Parallel, delayed

        pool = Parallel(n_jobs=self._count, return_as="generator", max_nbytes=None)
        yield from pool(delayed(work)(part) for part in parts)


@contextmanager
def apart() -> Iterator[None]:
    """Processes of one's own for work that loads a model; they end with it.

    Those that did other work before would be ended in the midst: loky takes a model for a leak.
    """
    _dismiss()
    try:
        yield
    finally:
        _dismiss()


def _dismiss() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
