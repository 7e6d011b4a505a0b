"""Preference pairs of a project: mined where something changed, taken back where they fell.

A request is looked at again when one of its episodes came, went, was resolved otherwise or was
corrected. Pairs hold names and reasons and no text; whoever exports them reads the episodes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.curate import ledger
from headrace.curate.pairs.candidate import candidates
from headrace.curate.pairs.change import Change, change
from headrace.curate.pairs.choice import Mined, Pair, mine
from headrace.curate.pairs.correction import Correction
from headrace.curate.pairs.member import Members, sql
from headrace.curate.pairs.side import Side
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult, most_first
from headrace.lake.message import Message
from headrace.lake.record import Decision, Done, PairRow
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

STEP = "pair"
VERSION = "pair/1"

CHUNK = 4_000  # episodes, about, whose texts are read together
READ = 64  # episodes of one request that are read, about


def pair(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Bring the pairs of a project to what its episodes say now, and tell of every episode why.

    Episodes that training may not see are counted as `left_out`. Each chunk of requests is one
    transaction, after which they are done with.
    """
    night = _Night(lake, project, now)
    waiting = [row for row in night.requests if row["waits"]]
    seen = 0
    for chunk in _chunks(waiting):
        night.mine(chunk)
        seen += len(chunk)
        told(seen, len(waiting))
    return night.closed(compared=len(waiting))


class _Night:
    """The work of one night on one project."""

    def __init__(self, lake: Lake, project: str, now: datetime) -> None:
        self._lake, self._project, self._now = lake, project, now
        self._members = Members(lake, project)
        self._opposed = self._members.opposed(VERSION)
        self.requests: list[dict[str, Any]] = self._opposed.to_pylist()
        self._events: Counter[str] = Counter()

    def mine(self, chunk: Sequence[Mapping[str, Any]]) -> None:
        """Make the pairs of some requests in one transaction."""
        import pyarrow as pa

        requests = [row["request"] for row in chunk]
        touched = pa.table({"request": pa.array(requests, pa.int64())})
        sides = self._members.sides(touched)
        corrections = self._members.corrections_of(sides)
        mined = self._mined(sides, corrections)
        wanted = [row for request, made in mined.items() for row in self._rows(request, made)]
        change = self._change(wanted, "pairs_of_requests", {"touched": touched})
        told = {"told": _columns(self._decisions(sides, mined))}
        shelf = _messages(corrections.values(), wanted)
        done = [self._done(row["key"]) for row in chunk]
        where = {"project": self._project}

        def work(tx: Transaction) -> None:
            tx.add_new("scrubbed_messages", shelf, on=["hash"])
            change.write(tx)
            tx.run(sql("changed_pair_decisions"), where, told)
            tx.run(sql("new_pair_decisions"), where, told)
            tx.run(sql("gone_pair_requests"), where, {"touched": touched})
            tx.append("done", done)

        self._lake.write(work)

    def closed(self, *, compared: int) -> StepResult:
        """Take back the pairs of requests that no longer ended both ways; tell of all others."""
        given = {"members": self._members.rows, "opposed": self._opposed}
        where = {"project": self._project, "version": VERSION}
        wanted = self._lake.table(sql("pair_decisions"), {**where, "now": self._now}, given)
        change = self._change([], "pairs_beside_requests", {"opposed": self._opposed})

        def work(tx: Transaction) -> None:
            change.write(tx)
            ledger.decided(tx, self._project, STEP, wanted)
            tx.run(sql("stale_pair_requests"), where, {"opposed": self._opposed})

        self._lake.write(work)
        return self._result(wanted, compared)

    def _mined(
        self, sides: Mapping[int, Sequence[Side]], corrections: Mapping[int, Sequence[Correction]]
    ) -> dict[int, Mined]:
        found = {request: candidates(group) for request, group in sides.items()}
        said = self._members.dialogues(found.values(), corrections.values())
        return {
            request: mine(
                [side.episode_id for side in group],
                found[request],
                corrections.get(request, ()),
                said,
            )
            for request, group in sides.items()
        }

    def _change(
        self, wanted: Sequence[PairRow], beside: str, given: "Mapping[str, pa.Table]"
    ) -> Change:
        """From the pairs that the statement `beside` finds to those wanted."""
        rows = self._members.table(beside, tables=given).to_pylist()
        standing = msgspec.convert(rows, list[PairRow])
        found = change(self._members, self._project, wanted, standing, self._now)
        self._events.update(event.event for event in found.events)
        return found

    def _result(self, wanted: "pa.Table", compared: int) -> StepResult:
        counts = wanted.group_by(["kept", "reason"]).aggregate([([], "count_all")]).to_pylist()
        dropped = {row["reason"]: row["count_all"] for row in counts if not row["kept"]}
        kept = {row["reason"]: row["count_all"] for row in counts if row["kept"]}
        return StepResult(
            step=STEP,
            seen=len(wanted),
            kept=sum(kept.values()),
            dropped=most_first(dropped),
            notes={
                "requests": compared,
                "made": self._events["made"],
                "retracted": self._events["retracted"],
                "left_out": len(self._members) - len(wanted),
                **dict(sorted(kept.items())),
            },
        )

    def _rows(self, request: int, mined: Mined) -> Iterator[PairRow]:
        for made in mined.pairs:
            yield PairRow(
                project=self._project,
                pair_id=made.pair_id,
                chosen=made.chosen,
                rejected=made.rejected,
                kind=made.kind,
                request=str(request),
                turn=made.turn,
                p_chosen=made.p_chosen,
                p_rejected=made.p_rejected,
                margin=made.margin,
                correction=made.correction,
                version=VERSION,
                at=self._now,
            )

    def _decisions(
        self, sides: Mapping[int, Sequence[Side]], mined: Mapping[int, Mined]
    ) -> list[Decision]:
        return [
            self._decision(side, mined[request])
            for request, group in sides.items()
            for side in group
        ]

    def _decision(self, side: Side, mined: Mined) -> Decision:
        against = mined.alone.get(side.episode_id)
        kinds = (made for made in mined.pairs if side.episode_id in made.names)
        best: Pair | None = None if against else next(kinds)  # the preferred first
        return Decision(
            project=self._project,
            step=STEP,
            version=VERSION,
            episode_id=side.episode_id,
            kept=against is None,
            reason=best.kind if best else against.reason if against else "",
            because_of=against.because_of if against else _partner(best, side.episode_id),
            revision=side.revision,
            at=self._now,
        )

    def _done(self, key: str) -> Done:
        return Done(project=self._project, step=STEP, version=VERSION, key=key)


def _chunks(requests: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Some requests together, so that what is read of their episodes fits into memory."""
    chunk: list[Mapping[str, Any]] = []
    weight = 0
    for row in requests:
        chunk.append(row)
        weight += min(int(row["episodes"]), READ)
        if weight >= CHUNK:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def _partner(made: Pair | None, name: str) -> str | None:
    others = made.names - {name} if made else ()
    return next(iter(others), None)


def _messages(told: Iterable[Sequence[Correction]], wanted: Iterable[PairRow]) -> list[Message]:
    """What should have been said in the pairs that stand for a correction."""
    used = {row.correction for row in wanted}
    return [one.message for each in told for one in each if one.message.hash in used]


def _columns(rows: Sequence[Decision]) -> "pa.Table":
    import pyarrow as pa

    columns = {name: [getattr(row, name) for row in rows] for name in Decision.__struct_fields__}
    types = {
        "kept": pa.bool_(),
        "similarity": pa.float64(),
        "revision": pa.int64(),
        "at": pa.timestamp("us", "UTC"),
    }
    return pa.table({n: pa.array(c, types.get(n, pa.string())) for n, c in columns.items()})
