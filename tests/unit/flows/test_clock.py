"""A time without a night that is longer than usual: the machine was away, or its clock is wrong."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.flows.clock import leap
from headrace.lake import Lake
from headrace.lake.record import Night

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Leaps = Callable[[list[float]], float | None]


@pytest.fixture
def leaps(tmp_path: Path) -> Iterator[Leaps]:
    """Days of the leap that a night sees, given how many days each of those before is past."""
    with Lake.open(tmp_path) as lake:

        def ask(past: list[float]) -> float | None:
            rows = [night(NOW - timedelta(days=days), number) for number, days in enumerate(past)]
            lake.write(lambda tx: tx.run("delete from nights"))
            lake.write(lambda tx: tx.append("nights", rows))
            found = leap(lake, now=NOW)
            return None if found is None else found / timedelta(days=1)

        yield ask


def night(at: datetime, number: int) -> Night:
    return Night(
        night_id=f"{number}", started_at=at, ended_at=at, until=at, status="done", summary="[]"
    )


@pytest.mark.parametrize(
    "past",
    [
        [],
        [0.01, 0.02],
        [1, 2, 3, 4],
        [1.3, 2, 3.2],
        [0.5, 1, 2, 3],  # one more in the middle of the day
        [7, 14, 21],
        [30, 61, 91],
        [3, 4, 5, 6, 7, 10, 11],  # after a weekend
    ],
)
def test_nights_as_they_usually_are_show_no_leap(leaps: Leaps, past: list[float]) -> None:
    assert leaps(past) is None


@pytest.mark.parametrize(
    ("past", "days"),
    [([2, 3, 4, 5], 2), ([365, 366, 367], 365), ([2, 2.1, 2.2], 2), ([365], 365)],
)
def test_a_clock_that_was_set_ahead_is_a_leap(leaps: Leaps, past: list[float], days: float) -> None:
    assert leaps(past) == days


def test_after_a_leap_a_day_passes_however_many_nights_it_has(leaps: Leaps) -> None:
    before = [366.0, 367, 368]
    assert leaps([0.1, 0.4, 0.8, *before]) == pytest.approx(365.2)
    assert leaps([0.1, 0.4, 0.85, *before]) is None
    assert leaps([1, *before]) is None


def test_nights_that_are_yet_to_come_vouch_for_no_clock(leaps: Leaps) -> None:
    assert leaps([-400, -399, 40, 41, 42]) == 40
