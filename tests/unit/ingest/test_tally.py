"""The tally: counters and times."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.tally import BOUNDS_S, STORED, Tally, Times


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=30))
def test_times_are_counted_below_each_bound_and_summed(seconds: list[float]) -> None:
    times = Times()
    for value in seconds:
        times.add(value)
    below = list(accumulate(times.counts))
    assert below[:-1] == [sum(value <= bound for value in seconds) for bound in BOUNDS_S]
    assert below[-1] == len(seconds)
    assert times.sum == sum(seconds)


def test_a_stored_body_counts_with_its_bytes_and_its_items() -> None:
    tally = Tally()
    tally.received("traces", 10)
    tally.received("traces", 5)  # refused afterwards: came in all the same
    tally.stored("traces", 40, accepted=3, rejected=1)
    assert (tally.received_bytes["traces"], tally.stored_bytes["traces"]) == (15, 40)
    assert (tally.bodies["traces"], tally.accepted["traces"], tally.rejected["traces"]) == (1, 3, 1)
    assert set(tally.bodies) == set(STORED)
    assert tally.bodies["logs"] == 0


def test_answers_are_counted_by_status_and_only_acknowledgements_take_time() -> None:
    tally = Tally()
    tally.answered("logs", 200, 0.002)
    tally.answered("logs", 413)
    tally.answered("logs", 400)
    assert tally.requests == {("logs", 200): 1, ("logs", 413): 1, ("logs", 400): 1}
    assert sum(tally.acknowledged["logs"].counts) == 1
    assert sum(tally.acknowledged["traces"].counts) == 0
