"""Token buckets: never more than the rate and one burst, never less than was promised."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.bucket import Bucket

RATES = st.floats(0.01, 1e6)
BURSTS = st.floats(0.1, 100)
ASKS = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 1e5)), max_size=60)  # pause, cost


def played(
    bucket: Bucket, asks: list[tuple[float, float]]
) -> tuple[list[tuple[float, float]], float]:
    """What passed, by time, and the end of time."""
    now, passed = 0.0, []
    for pause, cost in asks:
        now += pause
        if bucket.wait(cost, now) == 0:
            bucket.take(cost, now)
            passed.append((now, cost))
    return passed, now


@given(RATES, BURSTS, ASKS)
def test_between_any_two_moments_passes_the_rate_and_one_burst_at_most(
    rate: float, burst_s: float, asks: list[tuple[float, float]]
) -> None:
    capacity = rate * burst_s
    passed, _ = played(Bucket(rate=rate, capacity=capacity, now=0), asks)
    for first, (begin, _) in enumerate(passed):
        for last in range(first, len(passed)):
            end, cost = passed[last]
            before = sum(cost for _, cost in passed[first:last])
            bound = capacity + rate * (end - begin)
            # what is larger than the bucket passes when that is full
            assert before + min(cost, capacity) <= bound * (1 + 1e-9) + 1e-6


@given(RATES, BURSTS, ASKS, st.floats(0, 1e6))
def test_who_waits_as_told_passes(
    rate: float, burst_s: float, asks: list[tuple[float, float]], cost: float
) -> None:
    bucket = Bucket(rate=rate, capacity=rate * burst_s, now=0)
    _, now = played(bucket, asks)
    wait = bucket.wait(cost, now)
    assert 0 <= wait < math.inf
    assert bucket.wait(cost, now + wait) <= 1e-6 * (1 + wait)  # but for rounding


@given(RATES, BURSTS, ASKS)
def test_a_pause_as_long_as_debt_and_burst_fills_the_bucket(
    rate: float, burst_s: float, asks: list[tuple[float, float]]
) -> None:
    capacity = rate * burst_s
    bucket = Bucket(rate=rate, capacity=capacity, now=0)
    _, now = played(bucket, asks)
    full = now + bucket.wait(capacity, now) + burst_s
    assert bucket.wait(capacity, full) == 0
    bucket.take(capacity, full)
    assert bucket.wait(capacity, full) == pytest.approx(burst_s)


@given(RATES, BURSTS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_larger_cost_never_waits_less(rate: float, burst_s: float, a: float, b: float) -> None:
    bucket = Bucket(rate=rate, capacity=rate * burst_s, now=0)
    bucket.take(rate, 0)
    assert bucket.wait(min(a, b), 0) <= bucket.wait(max(a, b), 0)


def test_asking_costs_nothing() -> None:
    bucket = Bucket(rate=1, capacity=2, now=0)
    assert [bucket.wait(2, 0) for _ in range(3)] == [0, 0, 0]


def test_a_debt_is_waited_off() -> None:
    bucket = Bucket(rate=10, capacity=100, now=0)
    bucket.take(400, 0)
    assert bucket.wait(0, 0) == 30
    assert bucket.wait(1, 0) == 30.1
    assert bucket.wait(0, 30) == 0


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    bucket = Bucket(rate=1, capacity=10, now=100)
    bucket.take(10, 100)
    assert bucket.wait(1, 50) == 1
    bucket.take(0, 50)
    assert bucket.wait(1, 100) == 1
    assert bucket.wait(1, 101) == 0
