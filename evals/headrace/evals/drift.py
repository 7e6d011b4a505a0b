"""What people ask for more or less than before, among what they ask for at all."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import polars as pl

from headrace.evals.rate import wilson
from headrace.evals.statistics.contrast import Level
from headrace.evals.statistics.discovery import adjusted
from headrace.lake.statement import statements
from headrace.lake.store import Lake

WINDOW = timedelta(days=7)
BEFORE = 4  # windows that the last one is compared with
FALSE = 0.05  # share of the intents told to have moved that may not have
FEWEST = 20  # episodes on either side, for a change to be told

Moved = Literal["more", "less", "steady", "cannot tell"]


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """An intent's share of the traffic in the last window, and in the windows before it."""

    intent: str
    name: str
    now: int  # episodes
    before: int
    share: float | None  # of the last window; None: it has no episodes
    share_before: float | None
    change: float | None  # share - share_before, with its 95 % interval
    low: float | None
    high: float | None
    false_discovery: float | None  # rate at which it would count as moved
    moved: Moved
    windows: tuple[int, ...]  # episodes in each, oldest first

    @property
    def told(self) -> str:
        """In words."""
        if self.change is None or self.low is None or self.high is None:
            return f"{self.name}: too little traffic to tell ({self.now} episodes, {self.before})"
        if self.moved == "steady":
            return f"{self.name}: no change seen ({_points(self.low)} to {_points(self.high)})"
        return (
            f"{self.name}: asked {self.moved} often, {self.share:.1%} after "
            f"{self.share_before:.1%} ({_points(self.low)} to {_points(self.high)})"
        )


def drift(
    lake: Lake, project: str, *, until: datetime | None = None, window: timedelta = WINDOW
) -> list[Drift]:
    """Each intent of a project, those with most traffic first; root episodes alone.

    The window ends at `until` (default: the newest episode) and is compared with the four before
    it. Newcombe's interval of the difference of two shares; p-values of the two-proportion test,
    adjusted over the intents (Benjamini, Hochberg). Episodes count as independent.
    """
    given = {"project": project, "until": until, "window": window, "windows": BEFORE + 1}
    rows = lake.sql(statements("headrace.evals", "drift.sql")["traffic"], given).pl()
    if rows.is_empty():
        return []
    counts = rows.pivot("back", index=["intent", "name"], values="episodes", sort_columns=True)
    for column in map(str, range(BEFORE + 1)):
        if column not in counts.columns:
            counts = counts.with_columns(pl.lit(0).alias(column))
    table = counts.fill_null(0).to_dicts()
    return _told([(row["intent"], row["name"], _windows(row)) for row in table])


def _windows(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(row[str(back)]) for back in reversed(range(BEFORE + 1)))


def _told(traffic: Sequence[tuple[str, str, tuple[int, ...]]]) -> list[Drift]:
    now = sum(windows[-1] for _, _, windows in traffic)
    before = sum(sum(windows[:-1]) for _, _, windows in traffic)
    enough = now >= FEWEST and before >= FEWEST
    tests = [
        _chance(windows[-1], now, sum(windows[:-1]), before) if enough else None
        for _, _, windows in traffic
    ]
    rates = iter(adjusted([chance for chance in tests if chance is not None]))
    found = [
        _one(intent, name, windows, now, before, next(rates) if enough else None)
        for intent, name, windows in traffic
    ]
    return sorted(found, key=lambda one: (-one.now, -one.before, one.intent))


def _one(
    intent: str, name: str, windows: tuple[int, ...], now: int, before: int, rate: float | None
) -> Drift:
    mine, mine_before = windows[-1], sum(windows[:-1])
    last = wilson(mine, now) if now else None
    first = wilson(mine_before, before) if before else None
    change = _difference(last, first) if rate is not None and last and first else None
    moved: Moved = "cannot tell"
    if change is not None and rate is not None:
        moved = "steady" if rate > FALSE else "more" if change.mean > 0 else "less"
    return Drift(
        intent=intent,
        name=name,
        now=mine,
        before=mine_before,
        share=last.mean if last else None,
        share_before=first.mean if first else None,
        change=change.mean if change else None,
        low=change.low if change else None,
        high=change.high if change else None,
        false_discovery=rate,
        moved=moved,
        windows=windows,
    )


def _difference(one: Level, other: Level) -> Level:
    """Of two independent shares, by Newcombe's hybrid score interval (1998, method 10)."""
    mean = one.mean - other.mean
    below = math.hypot(one.mean - one.low, other.high - other.mean)
    above = math.hypot(one.high - one.mean, other.mean - other.low)
    return Level(mean=mean, low=mean - below, high=mean + above)


def _chance(one: int, of_one: int, other: int, of_other: int) -> float:
    """The two-sided p-value of equal shares, pooled; 1 where both are all or nothing."""
    pooled = (one + other) / (of_one + of_other)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / of_one + 1 / of_other))
    gap = abs(one / of_one - other / of_other)
    return math.erfc(gap / spread / math.sqrt(2)) if spread else 1.0


def _points(change: float) -> str:
    return f"{100 * change:+.1f} points"
