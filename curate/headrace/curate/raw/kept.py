"""Which raw texts a lake holds, in one line; asked by commands that know nothing of curation."""

from datetime import datetime
from typing import Self

import msgspec

from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Which raw texts there are."""

    days: int | None  # None: they stay
    messages: int
    oldest: datetime | None  # None: there are none

    @classmethod
    def of(cls, lake: Lake) -> Self:
        [row] = lake.rows(statements("headrace.curate", "retire.sql")["kept"])
        return cls(days=lake.settings.raw_days, **row)

    def __str__(self) -> str:
        days = "kept" if self.days is None else f"{self.days} days"
        since = f", oldest {self.oldest:%Y-%m-%d}" if self.oldest else ""
        return f"raw: {days} ({self.messages:,} messages{since})"
