"""Releases as `headrace status` tells of them: how often right, how dear, how fast."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import msgspec

from headrace.console.page import cell, percent
from headrace.lake.statement import statements
from headrace.lake.store import Lake

MOST = 20  # of a project, the latest; a prompt with a date in it makes a release a day


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """How often the root episodes went well, with 95 % interval; null where none is marked."""

    episodes: int
    marked: int
    successes: int
    pending: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """USD per episode, over the `n` whose cost is known; `total` is of these alone."""

    n: int
    estimated: int  # of them, by list prices
    p50: Decimal | None
    p95: Decimal | None
    total: Decimal | None


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, over the `n` that were measured."""

    n: int
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, row: Mapping[str, Any], name: str) -> Self:
        return cls(n=row[f"{name}_n"] or 0, p50=row[f"{name}_p50"], p95=row[f"{name}_p95"])


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a product, by its name or by a hash that begins with `h:`."""

    project: str
    release: str | None  # None: of episodes that came without one
    first_seen: datetime | None
    episodes: int  # sub-agents' included, as in cost and times
    success: Success
    cost_usd: Cost
    latency_ms: Spread  # of an episode: the sum of its calls
    call_ms: Spread
    ttft_ms: Spread


class Releases(msgspec.Struct, frozen=True, kw_only=True):
    """The latest of each project, and how many more there are."""

    shown: tuple[Release, ...]
    more: Mapping[str, int]  # per project that has more


def releases(lake: Lake, project: str | None, *, most: int = MOST) -> Releases:
    """Rates are null too where the extra `evals`, which computes them, is not installed."""
    where = {"project": project, "most": most}
    rows = lake.rows(statements("headrace.console")["releases"], where)
    rates = _rates(lake, rows)
    shown = tuple(_release(row, rates.get((row["project"], row["release"]), {})) for row in rows)
    more = {row["project"]: row["releases"] - most for row in rows if row["releases"] > most}
    return Releases(shown=shown, more=more)


def quality(found: Iterable[Release]) -> list[list[object]]:
    """Rows for people: project, release, first seen, episodes, pending, marked, rate, interval."""
    return [
        [one.project, one.release, one.first_seen, one.episodes, one.success.pending,
         one.success.marked, percent(one.success.rate), _interval(one.success)]
        for one in found
    ]  # fmt: skip


def price_and_pace(found: Iterable[Release]) -> list[list[object]]:
    """Rows for people: project, release, cost, total, latency at p50 and p95, first token."""
    return [
        [one.project, one.release, _usd(one.cost_usd.p50, one.cost_usd), _total(one),
         _seconds(one.latency_ms.p50), _seconds(one.latency_ms.p95), _seconds(one.ttft_ms.p50)]
        for one in found
    ]  # fmt: skip


def _rates(lake: Lake, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str | None], Any]:
    try:
        from headrace.evals.rate import success_rates
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("headrace"):
            raise
        return {}
    listed: dict[str, list[str | None]] = {}
    for row in rows:
        listed.setdefault(row["project"], []).append(row["release"])
    return {
        (project, rate["release"]): {key: rate[key] for key in ("rate", "low", "high")}
        for project, names in listed.items()
        for rate in success_rates(lake, project, releases=names).to_dicts()
    }


def _release(row: Mapping[str, Any], rate: Mapping[str, float | None]) -> Release:
    return Release(
        project=row["project"],
        release=row["release"],
        first_seen=row["first_seen"],
        episodes=row["episodes"] or 0,
        success=Success(
            episodes=row["roots"] or 0,
            marked=(row["success"] or 0) + (row["failure"] or 0),
            successes=row["success"] or 0,
            pending=row["pending"] or 0,
            **rate,
        ),
        cost_usd=Cost(
            n=row["cost_n"] or 0,
            estimated=row["cost_estimated"] or 0,
            p50=row["cost_p50"],
            p95=row["cost_p95"],
            total=row["cost_total"],
        ),
        latency_ms=Spread.of(row, "latency"),
        call_ms=Spread.of(row, "call"),
        ttft_ms=Spread.of(row, "ttft"),
    )


def _interval(success: Success) -> str:
    if success.rate is None:
        return "-"
    return f"{percent(success.low)} to {percent(success.high)}"


def _total(one: Release) -> str:
    """What is known of a total is the least that it can be."""
    least = ">= " if one.cost_usd.n < one.episodes else ""
    told = _usd(one.cost_usd.total, one.cost_usd)
    return told if one.cost_usd.total is None else least + told


def _usd(amount: Decimal | None, cost: Cost) -> str:
    if amount is None:
        return "-"
    small = f"{float(f'{amount:.3g}'):.9f}".rstrip("0").rstrip(".")
    told = f"{amount:,.2f}" if amount >= 1 else small
    return f"{'~' if cost.estimated else ''}${told}"


def _seconds(milliseconds: float | None) -> str:
    return cell(None) if milliseconds is None else f"{milliseconds / 1000:,.3g} s"
