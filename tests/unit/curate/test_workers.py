"""Work on parts of a chunk, here or in other processes."""

import gc
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import pyarrow as pa
import pytest

from headrace.curate.backlog import PART, Chunk, Looked
from headrace.curate.workers import LEAST, Workers, apart

T = TypeVar("T")


class Halves:
    """A chunk of two parts."""

    def parts(self) -> list[list[int]]:
        return [[1, 2], [3]]


HALVES = [cast(Chunk, Halves())]


def length(part: Any) -> tuple[int, bool]:
    return len(part), gc.isenabled()


def parts_of(workers: Workers, work: Callable[[Any], T]) -> list[T]:
    [(chunk, parts)] = workers.over(work, HALVES)
    assert chunk is HALVES[0]
    return parts


@pytest.mark.parametrize("episodes", [1, LEAST])
def test_parts_come_back_in_their_order(episodes: int) -> None:
    assert parts_of(Workers(2, episodes), len) == [2, 1]


def test_no_garbage_is_collected_meanwhile() -> None:
    assert parts_of(Workers(1, 1), length) == [(2, False), (1, False)]
    assert gc.isenabled()


def test_the_collector_is_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        parts_of(Workers(1, 1), lambda part: 1 / 0)
    assert gc.isenabled()


def processes(count: int) -> set[int]:
    """Of those that work on parts; a lambda is sent as it stands, not by the name of its module."""
    return set(parts_of(Workers(count, LEAST), lambda part: os.getpid()))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_work_apart_has_processes_of_its_own_that_end_with_it() -> None:
    before = processes(2)
    with apart():
        own = processes(2)
    after = processes(2)
    assert not any(map(is_alive, before | own))
    assert own.isdisjoint(before | after)


def test_a_part_is_sent_without_the_rows_of_others() -> None:
    step = Looked(project="p", step="s", version="v")
    rows = pa.table({"request": ["x" * 100] * 5 * PART, "messages": [["m"]] * 5 * PART})
    sent = [len(pickle.dumps(part)) for part in Chunk(rows, {"m": "{}"}, step).parts()]
    assert len(sent) == 5 and max(sent) < 2 * 100 * PART


def test_chunks_come_back_in_their_order_while_the_next_is_worked_on() -> None:
    taken: list[int] = []

    def chunks() -> Iterator[Chunk]:
        for at in range(3):
            taken.append(at)
            yield HALVES[0]

    seen = [len(taken) for _, parts in Workers(2, LEAST).over(len, chunks()) if parts == [2, 1]]
    assert seen == [2, 3, 3]
