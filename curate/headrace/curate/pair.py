"""Preference pairs of a project: mined where something changed, taken back where they fell.

A request is looked at again when one of its episodes came, went, was resolved otherwise or was
corrected. Pairs hold names and reasons and no text; whoever exports them reads the episodes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.curate.backlog import blocks
from headrace.curate.conversation import decoded
from headrace.curate.pairs.candidate import Candidates, candidates
from headrace.curate.pairs.choice import Dialogues, Mined, Pair, mine
from headrace.curate.pairs.correction import Correction
from headrace.curate.pairs.dialogue import Dialogue
from headrace.curate.pairs.side import FAILURE, SUCCESS, Side
from headrace.curate.progress import Progress, silent
from headrace.curate.scrubbing import beside
from headrace.curate.step import StepResult
from headrace.lake.message import Body, Message
from headrace.lake.record import Decision, Done, PairEvent, PairRow
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

STEP = "pair"
VERSION = "pair/1"

# What a trainer cannot use as it stands; the export refuses it as well.
BROKEN = (
    "no_content",
    "content_hidden",
    "content_elsewhere",
    "truncated_value",
    "dropped_attributes",
    "repaired_history",
    "orphan_tool_call",
    "orphan_tool_result",
    "unfinished",
    "failed_call",
)

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
        self._members = self._table(
            "pair_members", {"success": SUCCESS, "failure": FAILURE, "broken": list(BROKEN)}
        )
        self._corrections = self._corrected()
        given = {"members": self._members, "corrections": self._corrections}
        self._opposed = self._table("pair_requests", {"version": VERSION}, given)
        self.requests: list[dict[str, Any]] = self._opposed.to_pylist()
        self._events: Counter[str] = Counter()

    def mine(self, chunk: Sequence[Mapping[str, Any]]) -> None:
        """Make the pairs of some requests in one transaction."""
        import pyarrow as pa

        requests = [row["request"] for row in chunk]
        touched = pa.table({"request": pa.array(requests, pa.int64())})
        sides = self._sides(touched)
        found = {request: candidates(group) for request, group in sides.items()}
        corrections = self._corrections_of(sides)
        said = self._dialogues(found.values(), corrections.values())
        mined = {
            request: mine([s.episode_id for s in group], found[request], told, said)
            for request, group in sides.items()
            for told in [corrections.get(request, [])]
        }
        wanted = [row for request, made in mined.items() for row in self._rows(request, made)]
        standing = self._standing("pairs_of_requests", {"touched": touched})
        change = self._change(wanted, standing)
        decisions = self._decisions(sides, mined)
        shelf = _messages(corrections.values(), wanted)
        done = [self._done(row["key"]) for row in chunk]

        def work(tx: Transaction) -> None:
            tx.add_new("scrubbed_messages", shelf, on=["hash"])
            change.write(tx)
            given = {"told": _columns(decisions)}
            where = {"project": self._project}
            tx.run(_sql("changed_pair_decisions"), where, given)
            tx.run(_sql("new_pair_decisions"), where, given)
            tx.run(_sql("gone_pair_requests"), where, {"touched": touched})
            tx.append("done", done)

        self._lake.write(work)
        self._count(change)

    def closed(self, *, compared: int) -> StepResult:
        """Take back the pairs of requests that no longer ended both ways; tell of all others."""
        given = {"members": self._members, "opposed": self._opposed}
        wanted = self._table("pair_decisions", {"version": VERSION, "now": self._now}, given)
        change = self._change([], self._standing("pairs_beside_requests", given))

        def work(tx: Transaction) -> None:
            change.write(tx)
            tx.settle(
                "decisions",
                wanted,
                on=["project", "step", "episode_id"],
                within={"project": self._project, "step": STEP},
            )
            where = {"project": self._project, "version": VERSION}
            tx.run(_sql("stale_pair_requests"), where, {"opposed": self._opposed})

        self._lake.write(work)
        self._count(change)
        return self._result(wanted, compared)

    def _result(self, wanted: "pa.Table", compared: int) -> StepResult:
        counts = wanted.group_by(["kept", "reason"]).aggregate([([], "count_all")]).to_pylist()
        dropped = {row["reason"]: row["count_all"] for row in counts if not row["kept"]}
        kept = {row["reason"]: row["count_all"] for row in counts if row["kept"]}
        return StepResult(
            step=STEP,
            seen=len(wanted),
            kept=sum(kept.values()),
            dropped=dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
            notes={
                "requests": compared,
                "made": self._events["made"],
                "retracted": self._events["retracted"],
                "left_out": len(self._members) - len(wanted),
                **dict(sorted(kept.items())),
            },
        )

    def _sides(self, touched: "pa.Table") -> dict[int, list[Side]]:
        given = {"members": self._members, "touched": touched}
        rows = self._lake.table(_sql("pair_sides"), tables=given)
        sides = msgspec.convert(rows.to_pylist(), list[Side])
        return {
            request: list(group) for request, group in groupby(sides, key=lambda side: side.request)
        }

    def _corrected(self) -> "pa.Table":
        """Corrections by episode; most projects have none, and then no episode is searched."""
        import pyarrow as pa

        marks = self._table("correction_marks")
        if len(marks):
            return self._table("pair_corrections", {}, {"marks": marks})
        fields = {"episode_id": pa.string(), "said": pa.string(), "turn": pa.int64()}
        return pa.schema(list(fields.items())).empty_table()

    def _corrections_of(self, sides: Mapping[int, Sequence[Side]]) -> dict[int, list[Correction]]:
        """What should have been said in these episodes, without personal data."""
        known = {side.episode_id: side for group in sides.values() for side in group}
        raw: dict[str, list[tuple[int | None, Body]]] = {}
        for row in self._corrections.to_pylist():
            if row["episode_id"] in known:
                said = (row["turn"], decoded(row["said"]))
                raw.setdefault(row["episode_id"], []).append(said)
        told = {name: [body for _, body in pairs] for name, pairs in raw.items()}
        found: dict[int, list[Correction]] = {}
        for name, bodies in beside(self._lake, self._project, told).items():
            side = known[name]
            for (turn, _), body in zip(raw[name], msgspec.convert(bodies, list[Body]), strict=True):
                message = Message.of(body)
                correction = Correction(side=side, turn=turn, message=message, body=body)
                found.setdefault(side.request, []).append(correction)
        return found

    def _dialogues(
        self, found: Iterable[Candidates], corrections: Iterable[Sequence[Correction]]
    ) -> Dialogues:
        """The texts of the episodes that are compared."""
        import pyarrow as pa

        names = {name for one in found for pair in one.tried for name in pair.names}
        names |= {one.side.episode_id for told in corrections for one in told}
        if not names:
            return {}
        asked = {"members": self._members, "wanted": pa.table({"episode_id": sorted(names)})}
        wanted = self._lake.table(_sql("pair_places"), tables=asked)
        marks = self._found("pair_marks", wanted, "place")
        texts = self._found("pair_texts", wanted, "scrubbed")
        trainable = dict(
            zip(*(marks[name].to_pylist() for name in marks.column_names), strict=True)
        )
        hashes = dict(zip(*(texts[name].to_pylist() for name in texts.column_names), strict=True))
        bodies = self._bodies(sorted({name for each in hashes.values() for name in each}))
        return {
            name: Dialogue.of([bodies[one] for one in each], trainable[name])
            for name, each in hashes.items()
        }

    def _bodies(self, hashes: Sequence[str]) -> dict[str, Body]:
        import pyarrow as pa

        asked = {"wanted": pa.table({"hash": pa.array(hashes, pa.string())})}
        sql = statements("headrace.curate", "backlog.sql")
        places = self._lake.table(sql["places_of_scrubbed_messages"], tables=asked)
        given = blocks(np.sort(np.asarray(places["place"])))
        found = self._lake.table(
            sql["scrubbed_messages_of_places"], given, {"wanted": places.select(["place"])}
        )
        texts = zip(found["hash"].to_pylist(), found["body"].to_pylist(), strict=True)
        return {name: decoded(text) for name, text in texts}

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

    def _standing(self, sql: str, given: "Mapping[str, pa.Table]") -> list[PairRow]:
        return msgspec.convert(self._table(sql, {}, given).to_pylist(), list[PairRow])

    def _change(self, wanted: Sequence[PairRow], standing: Sequence[PairRow]) -> "_Change":
        stands = {row.pair_id: row for row in standing}
        keep = {row.pair_id for row in wanted}
        fallen = [row for row in standing if row.pair_id not in keep]
        made = [row for row in wanted if row.pair_id not in stands]
        events = [self._event(row, "made", row.kind) for row in made]
        events += [self._event(*told) for told in self._retracted(fallen)]
        put = [row for row in wanted if _differs(row, stands.get(row.pair_id))]
        return _Change(
            project=self._project,
            put=tuple(put),
            gone=tuple(row.pair_id for row in [*fallen, *put] if row.pair_id in stands),
            events=tuple(events),
        )

    def _retracted(self, fallen: Sequence[PairRow]) -> Iterator[tuple[PairRow, Any, str]]:
        """The pairs that fell, each with what became of its episodes."""
        import pyarrow as pa

        if not fallen:
            return
        names = sorted({name for row in fallen for name in (row.chosen, row.rejected)})
        given = {"members": self._members, "wanted": pa.table({"episode_id": names})}
        states = {
            row["episode_id"]: row for row in self._table("pair_states", {}, given).to_pylist()
        }
        for row in fallen:
            corrected = row.correction is not None
            why = _fall(states[row.rejected], wanted=False) or (
                None if corrected else _fall(states[row.chosen], wanted=True)
            )
            yield row, "retracted", why or "replaced"

    def _event(self, row: PairRow, event: Any, reason: str) -> PairEvent:
        return PairEvent(
            project=self._project, pair_id=row.pair_id, event=event, reason=reason, at=self._now
        )

    def _done(self, key: str) -> Done:
        return Done(project=self._project, step=STEP, version=VERSION, key=key)

    def _count(self, change: "_Change") -> None:
        self._events.update(event.event for event in change.events)

    def _found(self, sql: str, wanted: "pa.Table", column: str) -> "pa.Table":
        places = blocks(np.asarray(wanted[column]))
        return self._lake.table(_sql(sql), places, {"wanted": wanted})

    def _table(
        self,
        sql: str,
        given: Mapping[str, object] | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> "pa.Table":
        return self._lake.table(_sql(sql), {"project": self._project, **(given or {})}, tables)


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """The way from the pairs that stand to those that should."""

    project: str
    put: tuple[PairRow, ...]
    gone: tuple[str, ...]
    events: tuple[PairEvent, ...]

    def write(self, tx: Transaction) -> None:
        if self.gone:
            where = {"project": self.project, "keys": list(self.gone)}
            tx.run(_sql("gone_pairs"), where)
        tx.append("pairs", self.put)
        tx.append("pair_events", self.events)


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


def _fall(state: Mapping[str, Any], *, wanted: bool) -> str | None:
    """Why an episode can no longer be this side of a pair; None where it still could."""
    if not state["current"]:
        return "superseded" if state["known"] else "erased"
    if state["barred"] is not None:
        return str(state["barred"])
    if state["good"] is None:
        return "unresolved"
    return None if state["good"] is wanted else "flipped"


def _partner(made: Pair | None, name: str) -> str | None:
    others = made.names - {name} if made else ()
    return next(iter(others), None)


def _differs(row: PairRow, stands: PairRow | None) -> bool:
    """When it was written is no difference."""
    return stands is None or msgspec.structs.replace(row, at=stands.at) != stands


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


def _sql(name: str) -> str:
    return statements("headrace.curate", "pair.sql")[name]
