"""Writing what a step found: only rows that differ from those that stand, gone ones taken out."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headrace.lake.record import Decision
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

_KEY = ("project", "step", "episode_id")


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


def _differs(row: Decision, stands: Mapping[str, Any] | None) -> bool:
    """When it was written is no difference."""
    if stands is None:
        return True
    fields = msgspec.structs.asdict(row)
    return any(stands[name] != value for name, value in fields.items() if name != "at")
