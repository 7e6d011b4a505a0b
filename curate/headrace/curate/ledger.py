"""Writing what a step found: only rows that differ from those that stand, gone ones taken out."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.lake.record import Decision
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

_KEY = ("project", "step", "episode_id")
_OF_CLUSTER = ("project", "method", "episode_id")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The way from the decisions that stand to those that should."""

    put: tuple[Decision, ...]
    where: Mapping[str, object]
    keys: tuple[str, ...]  # of those that are gone

    def __bool__(self) -> bool:
        return bool(self.put or self.keys)

    def write(self, tx: Transaction) -> None:
        tx.upsert("decisions", self.put, on=_KEY)
        if self.keys:
            gone = statements("headrace.curate")["gone_decisions"]
            tx.run(gone, {**self.where, "keys": list(self.keys)})


def decisions(
    lake: Lake, project: str, step: str, rows: Iterable[Decision], among: Iterable[str]
) -> Change:
    """Decisions of a step on the traces `among`, and their spans."""
    where = {"project": project, "step": step}
    sql = statements("headrace.curate")["standing_decisions_among"]
    found = lake.rows(sql, {**where, "among": list(among)})
    standing = {row["episode_id"]: row for row in found}
    wanted = {row.episode_id: row for row in rows}
    return Change(
        put=tuple(row for key, row in sorted(wanted.items()) if _differs(row, standing.get(key))),
        where=where,
        keys=tuple(sorted(standing.keys() - wanted.keys())),
    )


def decided(
    tx: Transaction, project: str, step: str, rows: "pa.Table", *, reason: str | None = None
) -> None:
    """Bring the decisions of a step, or those for one reason, to these: rows of `decisions`."""
    within = {"project": project, "step": step} | ({} if reason is None else {"reason": reason})
    tx.settle("decisions", rows, on=_KEY, within=within)


def gathered(
    tx: Transaction, project: str, method: str, rows: "pa.Table", *, gone: bool = False
) -> None:
    """Bring the clusters of a method to these: rows of `clusters`, an episode once.

    Members that are not among them stay, unless told that they are `gone`: a case may have come
    from an episode that is superseded by now.
    """
    within = {"project": project, "method": method}
    tx.settle("clusters", rows, on=_OF_CLUSTER, within=within, gone=gone)


def _differs(row: Decision, stands: Mapping[str, Any] | None) -> bool:
    """When it was written is no difference."""
    if stands is None:
        return True
    fields = msgspec.structs.asdict(row)
    return any(stands[name] != value for name, value in fields.items() if name != "at")
