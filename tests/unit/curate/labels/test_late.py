from datetime import timedelta
from typing import Any

from headrace.curate.labels.late import Late, silent
from headrace.curate.labels.resolver import resolve
from headrace.curate.labels.vote import Vote
from tests.unit.curate.labels.conftest import DAY, T0, vote

PAID = Late(name="paid", window=3 * DAY, silence=0)
ENDED = {"new": T0 - DAY, "old": T0 - 10 * DAY}


def paid(value: int | None, **fields: Any) -> Vote:
    return vote(value, source="product", name="paid", episode_id="old", **fields)


def cast(*votes: Vote) -> list[tuple[str, int | None]]:
    return [(one.episode_id, one.value) for one in silent(votes, ENDED, [PAID], now=T0)]


def test_an_outcome_that_has_not_come_yet_is_no_failure_until_its_window_closes() -> None:
    assert cast() == [("old", 0)]
    votes = list(silent([], ENDED, [PAID], now=T0))
    found = resolve(votes, ENDED, now=T0, waiting=PAID.window)
    assert [(label.episode_id, label.state, label.votes) for label in found.labels][0] == (
        "new", "pending", 0,
    )  # fmt: skip


def test_an_outcome_that_came_is_no_silence_even_after_its_window() -> None:
    assert cast(paid(1)) == []
    assert cast(paid(0, at=0)) == []


def test_an_outcome_that_was_taken_back_is_silence_again() -> None:
    assert cast(paid(1, at=-5), paid(None, at=-4)) == [("old", 0)]


def test_another_outcome_of_the_episode_does_not_break_the_silence() -> None:
    assert cast(vote(1, episode_id="old", name="thumb")) == [("old", 0)]


def test_silence_of_a_good_kind_is_a_success() -> None:
    solved = Late(name="opened_again", window=timedelta(days=7), silence=1)
    [found] = silent([], ENDED, [solved], now=T0)
    assert (found.episode_id, found.value, found.at) == ("old", 1, T0 - 3 * DAY)
