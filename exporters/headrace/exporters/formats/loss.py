"""What a trainer dialect could not say: counted, with the rows, never silent."""

from collections.abc import Iterable

import msgspec

# What these lose does not change what is trained; anything else stops a build.
HARMLESS = frozenset(
    {
        "reasoning_dropped",
        "name_dropped",
        "tools_flattened",
        "mask_unrolled",
        "ids_rewritten",
        "role_renamed",
        "content_filled",
    }
)
SHOWN = 5


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of loss."""

    code: str
    count: int  # of rows
    row_ids: tuple[str, ...]  # the first of them

    @property
    def harmless(self) -> bool:
        return self.code in HARMLESS


class LossReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one format lost, by code."""

    format: str
    losses: tuple[Loss, ...] = ()

    @classmethod
    def of(cls, format: str, seen: Iterable[tuple[str, str]]) -> "LossReport":
        """A report from (code, row id), a row counting once for each code."""
        by_code: dict[str, list[str]] = {}
        for code, row_id in dict.fromkeys(seen):
            by_code.setdefault(code, []).append(row_id)
        losses = (
            Loss(code=code, count=len(ids), row_ids=tuple(ids[:SHOWN]))
            for code, ids in sorted(by_code.items())
        )
        return cls(format=format, losses=tuple(losses))

    @property
    def harmful(self) -> tuple[Loss, ...]:
        """The losses that change what is trained."""
        return tuple(loss for loss in self.losses if not loss.harmless)
