"""Batches: as many items in a row as are written in one transaction."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], weight: Callable[[T], int], size: int) -> Iterator[list[T]]:
    """The items in their order, each batch as short as may be and of at least `size` in weight.

    The last may weigh less.
    """
    batch: list[T] = []
    weighed = 0
    for item in items:
        batch.append(item)
        weighed += weight(item)
        if weighed >= size:
            yield batch
            batch, weighed = [], 0
    if batch:
        yield batch
