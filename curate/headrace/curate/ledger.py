"""Writing what a step found: only rows that differ from those that stand, gone ones taken out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headrace.lake.record import Cluster, Decision, Record, Resolved, SplitGroup
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The way from the rows that stand to those that should."""

    table: str
    on: tuple[str, ...]  # the key, unique among the rows
    put: tuple[Record, ...]
    gone: str = ""  # the statement that takes `$keys` out
    where: Mapping[str, object] = {}
    keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.put or self.keys)

    def write(self, tx: Transaction) -> None:
        tx.upsert(self.table, self.put, on=list(self.on))
        if self.keys:
            tx.run(self.gone, {**self.where, "keys": list(self.keys)})


def decisions(
    lake: Lake,
    project: str,
    step: str,
    rows: Iterable[Decision],
    among: Iterable[str] | None = None,
) -> Change:
    """Decisions of a step; only those on the traces `among`, and their spans, where it is given."""
    where = {"project": project, "step": step}
    if among is None:
        standing = _standing(lake, "decisions", where)
    else:
        standing = _standing(lake, "decisions_among", {**where, "among": list(among)})
    return _change("decisions", ("project", "step", "episode_id"), where, rows, standing)


def clusters(lake: Lake, project: str, method: str, rows: Iterable[Cluster]) -> Change:
    """Clusters of a method, each episode in one.

    None is taken out: a case may have come from an episode that is superseded by now.
    """
    where = {"project": project, "method": method}
    wanted = {row.episode_id: row for row in rows}
    standing = {
        name: row for name, row in _standing(lake, "clusters", where).items() if name in wanted
    }
    on = ("project", "method", "episode_id")
    return _change("clusters", on, where, wanted.values(), standing)


def resolutions(lake: Lake, project: str, rows: Iterable[Resolved]) -> Change:
    where = {"project": project}
    standing = _standing(lake, "resolutions", where)
    return _change("resolutions", ("project", "episode_id"), where, rows, standing)


def splits(lake: Lake, project: str, rows: Iterable[SplitGroup]) -> Change:
    """New groups; a stored one is never changed nor taken out."""
    where = {"project": project}
    known = lake.rows(statements("headrace.curate")["standing_splits"], where)
    names = {row["group_id"] for row in known}
    return Change(
        table="splits",
        on=("project", "group_id"),
        put=tuple(row for row in rows if row.group_id not in names),
    )


def commit(lake: Lake, changes: Sequence[Change]) -> None:
    """Write the changes in one transaction; none where there is nothing to write."""

    def write(tx: Transaction) -> None:
        for change in changes:
            change.write(tx)

    if any(changes):
        lake.write(write)


def _standing(lake: Lake, table: str, where: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    rows = lake.rows(statements("headrace.curate")[f"standing_{table}"], where)
    return {row["episode_id"]: row for row in rows}


def _change(
    table: str,
    on: tuple[str, ...],
    where: Mapping[str, object],
    rows: Iterable[Record],
    standing: Mapping[str, Mapping[str, Any]],
) -> Change:
    wanted = {str(msgspec.structs.asdict(row)["episode_id"]): row for row in rows}
    return Change(
        table=table,
        on=on,
        put=tuple(row for key, row in sorted(wanted.items()) if _differs(row, standing.get(key))),
        gone=statements("headrace.curate").get(f"gone_{table}", ""),
        where=where,
        keys=tuple(sorted(standing.keys() - wanted.keys())),
    )


def _differs(row: Record, stands: Mapping[str, Any] | None) -> bool:
    """When it was written is no difference."""
    if stands is None:
        return True
    fields = msgspec.structs.asdict(row)
    return any(stands[name] != value for name, value in fields.items() if name != "at")
