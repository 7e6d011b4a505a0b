"""Times as OTLP tells them: nanoseconds that a calendar may or may not hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.telemetry import moment

YEAR_10000 = 253_402_300_800 * 10**9


@pytest.mark.parametrize(
    ("nanoseconds", "at"),
    [
        (0, None),  # protobuf's way to say nothing
        (-1, None),
        (1, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_999, datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        (10**18, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (YEAR_10000 - 1, datetime.max.replace(tzinfo=UTC)),
        (YEAR_10000, None),
        (2**63, datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)),
        (2**64 * 1000, None),
    ],
)
def test_a_moment_is_a_time_of_the_calendar_or_nothing(
    nanoseconds: int, at: datetime | None
) -> None:
    assert moment(nanoseconds) == at


@settings(max_examples=80, deadline=None)
@given(st.integers(1, YEAR_10000 - 1), st.integers(1, YEAR_10000 - 1))
def test_moments_keep_their_order_and_lose_less_than_a_microsecond(one: int, other: int) -> None:
    first, second = moment(one), moment(other)
    assert first is not None and second is not None
    assert (one <= other) <= (first <= second)
    told = (first - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert 0 <= one - told < 1000
