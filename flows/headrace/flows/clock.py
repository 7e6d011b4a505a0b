"""Whether the clock may have been set ahead: then what is young looks old, and would go."""

from datetime import datetime, timedelta

from headrace.lake import Lake
from headrace.lake.statement import statements

LEAST = timedelta(hours=20)  # nights are a day apart, or less


def leap(lake: Lake, *, now: datetime) -> timedelta | None:
    """How long there was no night, where that is unusual and ended less than `LEAST` ago.

    The machine was away, or its clock is wrong: nobody can tell the two apart from inside, so both
    are given a day in which somebody may look. Arrivals are not asked: they have the same clock,
    and a single one would vouch for it.
    """
    given = {"now": now, "since": now - LEAST, "least": LEAST.total_seconds()}
    sql = statements("headrace.flows", "clock.sql")["leap"]
    [(seconds,)] = lake.sql(sql, given).fetchall()
    return None if seconds is None else timedelta(seconds=seconds)
