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

    def over(
        self, work: Callable[[Chunk], T], chunks: Iterable[Chunk]
    ) -> Iterator[tuple[Chunk, list[T]]]:
        """Each chunk with what `work` makes of its parts, in their order; it must be importable.

        Other processes go on with the next chunk while one is dealt with here.
        """
        calm = Calm(work)
        if self._count == 1:
            yield from ((chunk, [calm(part) for part in chunk.parts()]) for chunk in chunks)
            return
        before: tuple[Chunk, Iterable[T]] | None = None
        for chunk in chunks:
            sent = chunk, self._sent(calm, chunk.parts())
            if before is not None:
                yield before[0], list(before[1])
            before = sent
        if before is not None:
            yield before[0], list(before[1])

    def _sent(self, work: Callable[[Chunk], T], parts: Iterable[Chunk]) -> Iterable[T]:
        from joblib import Parallel, delayed

        pool = Parallel(n_jobs=self._count, return_as="generator", max_nbytes=None)
        found: Iterable[T] = pool(delayed(work)(part) for part in parts)
        return found


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
