"""What a step of the night did: how much it saw, kept and dropped, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

import msgspec

from headrace.lake.record import Decision


def most_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with the highest first, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one curation step over one project."""

    step: str
    seen: int
    kept: int
    dropped: Mapping[str, int]  # reason -> rows
    notes: Mapping[str, int] = {}  # counts that are no drops: clusters, pending, ...

    @classmethod
    def of(
        cls, step: str, decisions: Iterable[Decision], notes: Mapping[str, int] | None = None
    ) -> Self:
        """The sum of a step's decisions."""
        rows = list(decisions)
        dropped = Counter(row.reason for row in rows if not row.kept)
        return cls(
            step=step,
            seen=len(rows),
            kept=sum(row.kept for row in rows),
            dropped=dict(dropped.most_common()),
            notes=dict(notes or {}),
        )
