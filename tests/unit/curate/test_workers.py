"""Work on parts of a chunk, here or in other processes."""

import gc
import os
import pickle
from typing import Any, cast

import pyarrow as pa
import pytest

from headrace.curate.backlog import PART, Chunk, Looked
from headrace.curate.workers import LEAST, Workers, apart


class Halves:
    """A chunk of two parts."""

    def parts(self) -> list[list[int]]:
        return [[1, 2], [3]]


HALVES = cast(Chunk, Halves())


def length(part: Any) -> tuple[int, bool]:
    return len(part), gc.isenabled()


@pytest.mark.parametrize("episodes", [1, LEAST])
def test_parts_come_back_in_their_order(episodes: int) -> None:
    assert list(Workers(2, episodes).over(len, HALVES)) == [2, 1]


def test_no_garbage_is_collected_meanwhile() -> None:
    assert list(Workers(1, 1).over(length, HALVES)) == [(2, False), (1, False)]
    assert gc.isenabled()


def test_the_collector_is_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Workers(1, 1).over(lambda part: 1 / 0, HALVES))
    assert gc.isenabled()


def pid(part: Any) -> int:
    return os.getpid()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_work_apart_has_processes_of_its_own_that_end_with_it() -> None:
    before = set(Workers(2, LEAST).over(pid, HALVES))
    with apart():
        own = set(Workers(2, LEAST).over(pid, HALVES))
    after = set(Workers(2, LEAST).over(pid, HALVES))
    assert not any(map(is_alive, before | own))
    assert own.isdisjoint(before | after)


def test_a_part_is_sent_without_the_rows_of_others() -> None:
    step = Looked(project="p", step="s", version="v")
    rows = pa.table({"request": ["x" * 100] * 5 * PART, "messages": [["m"]] * 5 * PART})
    sent = [len(pickle.dumps(part)) for part in Chunk(rows, {"m": "{}"}, step).parts()]
    assert len(sent) == 5 and max(sent) < 2 * 100 * PART
