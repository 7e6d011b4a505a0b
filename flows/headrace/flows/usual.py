"""Counts of a night beside those of the nights before it: a rule that fails shows in them first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from headrace.lake.statement import statements
from headrace.lake.store import Lake

NIGHTS = 14  # that tell what is usual
LEAST_NIGHTS = 3
LEAST = 20  # places, found or expected: fewer come and go by chance
TIMES = 3.0


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a step of one night looked at, and what it found there."""

    seen: int
    found: Mapping[str, int]


def unusual(now: Counted, before: Sequence[Counted]) -> list[str]:
    """The counts that rose or fell beyond `TIMES`, for as many rows, each in a few words."""
    earlier = [night for night in before if night.seen][:NIGHTS]
    if not now.seen or len(earlier) < LEAST_NIGHTS:
        return []
    share = now.seen / sum(night.seen for night in earlier)
    names = sorted({name for night in (now, *earlier) for name in night.found})
    usual = {name: share * sum(n.found.get(name, 0) for n in earlier) for name in names}
    return [text for name in names for text in _told(name, now.found.get(name, 0), usual[name])]


def nights_before(lake: Lake, project: str, step: str) -> list[Counted]:
    """The last nights of a step in which it saw anything, the newest first."""
    given = {"project": project, "step": step, "nights": NIGHTS}
    rows = lake.rows(statements("headrace.flows", "usual.sql")["nights_before"], given)
    return [Counted(seen=row["seen"], found=_counts(row["notes"])) for row in rows]


def _counts(text: str | None) -> dict[str, int]:
    return msgspec.json.decode(text or "{}", type=dict[str, int])


def _told(name: str, found: int, usual: float) -> Iterator[str]:
    if max(found, usual) < LEAST:
        return
    if found >= TIMES * usual:
        yield f"{name}: {found:,}, {_times(found, usual)}"
    elif found * TIMES <= usual:
        yield f"{name}: {found:,}, usually {usual:,.0f}"


def _times(found: int, usual: float) -> str:
    return f"{found / usual:,.0f} times the usual" if usual >= 1 else "usually none"


def words(told: Iterable[str]) -> str:
    """What was unusual as the end of a sentence; nothing where all was as ever."""
    listed = "; ".join(told)
    return f"; look at {listed}" if listed else ""
