"""The pairs that stand, brought to those that should; what fell is told with the reason."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from headrace.curate.pairs.member import Members, sql
from headrace.lake.record import PairEvent, PairRow
from headrace.lake.store import Transaction


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The way from the pairs that stand to those that should."""

    project: str
    put: tuple[PairRow, ...]
    gone: tuple[str, ...]
    events: tuple[PairEvent, ...]

    def write(self, tx: Transaction) -> None:
        if self.gone:
            where = {"project": self.project, "keys": list(self.gone)}
            tx.run(sql("gone_pairs"), where)
        tx.append("pairs", self.put)
        tx.append("pair_events", self.events)


def change(
    members: Members,
    project: str,
    wanted: Sequence[PairRow],
    standing: Sequence[PairRow],
    now: datetime,
) -> Change:
    """What is to be written so that those wanted stand in the place of these."""
    stands = {row.pair_id: row for row in standing}
    keep = {row.pair_id for row in wanted}
    fallen = [row for row in standing if row.pair_id not in keep]
    made = [row for row in wanted if row.pair_id not in stands]
    events = [_event(row, "made", row.kind, now) for row in made]
    events += [_event(row, "retracted", why, now) for row, why in _retracted(members, fallen)]
    put = [row for row in wanted if _differs(row, stands.get(row.pair_id))]
    return Change(
        project=project,
        put=tuple(put),
        gone=tuple(row.pair_id for row in [*fallen, *put] if row.pair_id in stands),
        events=tuple(events),
    )


def _retracted(members: Members, fallen: Sequence[PairRow]) -> Iterator[tuple[PairRow, str]]:
    """The pairs that fell, each with what became of its episodes."""
    import pyarrow as pa

    if not fallen:
        return
    names = sorted({name for row in fallen for name in (row.chosen, row.rejected)})
    given = {"members": members.rows, "wanted": pa.table({"episode_id": names})}
    rows = members.table("pair_states", tables=given).to_pylist()
    states = {row["episode_id"]: row for row in rows}
    for row in fallen:
        corrected = row.correction is not None
        why = _fall(states[row.rejected], wanted=False) or (
            None if corrected else _fall(states[row.chosen], wanted=True)
        )
        yield row, why or "replaced"


def _event(
    row: PairRow, event: Literal["made", "retracted"], reason: str, now: datetime
) -> PairEvent:
    return PairEvent(project=row.project, pair_id=row.pair_id, event=event, reason=reason, at=now)


def _fall(state: Mapping[str, Any], *, wanted: bool) -> str | None:
    """Why an episode can no longer be this side of a pair; None where it still could."""
    if not state["current"]:
        return "superseded" if state["known"] else "erased"
    if state["barred"] is not None:
        return str(state["barred"])
    if state["good"] is None:
        return "unresolved"
    return None if state["good"] is wanted else "flipped"


def _differs(row: PairRow, stands: PairRow | None) -> bool:
    """When it was written is no difference."""
    return stands is None or msgspec.structs.replace(row, at=stands.at) != stands
