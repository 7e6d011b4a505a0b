"""The review queue: filled up each night, where a look teaches most and with an even sample."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.curate.labels.medoid import medoids
from headrace.curate.labels.review import SHARES, Pick, Pool, picks
from headrace.curate.labels.signature import Signature, of_skeleton
from headrace.curate.progress import Progress, silent
from headrace.curate.review.reason import DIVIDED, Reasons
from headrace.curate.step import StepResult
from headrace.lake.message import digest, dump
from headrace.lake.project import REVIEW_SIZE, REVIEW_TWICE
from headrace.lake.record import ReviewItem
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

STEP = "review"
NAME = "review"  # of the outcomes that reviewers bring
SUSPICIOUS = "suspicious_mark"  # the label of an episode whose mark its likes contradict
CONTRARY = 0.1  # a state is contrary where the votes leave it no more than this
MEMBERS = 1_000  # of a cluster of failures that are compared, the latest

_SQL = "headrace.curate.review", "review.sql"
_PARTS = 4  # of the work, for whoever watches


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The most typical episode of each of the largest clusters of failures, as places."""

    medoids: tuple[int, ...] = ()
    typical: Mapping[int, tuple[int, Signature]] = {}  # place -> size and signature of its cluster


class _Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Open items that need no look any more, and how many still do."""

    states: Mapping[str, str]
    unanswered: int
    divided: int  # of them and of those half answered, where people disagree


class _Again(msgspec.Struct, frozen=True, kw_only=True):
    """Where people disagree: new items, and those to be asked once more, with their answers."""

    items: Sequence[ReviewItem] = ()
    answers: Mapping[str, int] = {}


def queue(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    seed: int,
    size: int = REVIEW_SIZE,
    twice: float = REVIEW_TWICE,
    told: Progress = silent,
) -> StepResult:
    """Fill the queue up to `size` items that nobody has answered; close those that need no look.

    An item whose episode went, or was marked by a person elsewhere, or was passed over by whoever
    looked, closes. What was once picked is never picked again, but one more person is asked where
    those who looked disagree. Written in one transaction.
    """
    sql, where = statements(*_SQL), {"project": project}
    ends = _ends(lake, project, size)
    told(1, _PARTS)
    [(before,)] = lake.sql(sql["picked"], where).fetchall()
    given = {**where, "name": NAME, "suspicious": SUSPICIOUS, "contrary": CONTRARY}
    rows = lake.table(sql["population"], given)
    told(2, _PARTS)
    again = _again(lake, project, math.ceil(size * SHARES["disagreement"]) - ends.divided, now)
    wanted = max(0, size - ends.unanswered - len(again.items))
    found = _failures(lake, project, rows, wanted)
    told(3, _PARTS)
    # Another draw each time, but the same one where a night is repeated.
    generator = np.random.default_rng([seed, before, int(digest(project)[:8], 16)])
    chosen = picks(_pool(rows), wanted, medoids=found.medoids, generator=generator)
    picked = _items(project, rows, chosen, found, generator, now=now, twice=twice)
    items = [*again.items, *picked]
    drawn = _drawn_again(rows, chosen)
    _write(lake, project, items, drawn, again, ends, now)
    told(_PARTS, _PARTS)
    return _result(len(rows), items, drawn, again, ends)


def _ends(lake: Lake, project: str, size: int) -> _Ends:
    rows = lake.rows(statements(*_SQL)["standing"], {"project": project, "name": NAME})
    states = {row["item_id"]: row["ends"] for row in rows if row["ends"] is not None}
    going = [row for row in rows if row["ends"] is None]
    answered = [row for row in going if row["answers"]]
    # A second reviewer may never come: what one has answered must not fill the queue.
    halves = [row["item_id"] for row in answered if not row["divided"]]
    states |= {name: "answered" for name in halves[size:]}
    return _Ends(
        states=states,
        unanswered=len(going) - len(answered),
        divided=sum(row["divided"] for row in going),
    )


def _again(lake: Lake, project: str, most: int, now: datetime) -> _Again:
    """At most so many: what people find hard must not fill the queue."""
    given = {"project": project, "most": max(0, most)}
    rows = lake.rows(statements(*_SQL)["divided"], given)
    return _Again(
        items=[
            ReviewItem(
                project=project,
                item_id=item_id(project, row["episode_id"]),
                episode_id=row["episode_id"],
                stratum="disagreement",
                why=DIVIDED,
                picked_at=now,
                resolution=row["resolution"],
                p_success=row["p_success"],
                state="open",
                state_at=now,
            )
            for row in rows
            if row["item_id"] is None
        ],
        answers={row["item_id"]: row["answers"] for row in rows if row["item_id"] is not None},
    )


def _pool(rows: "pa.Table") -> Pool:
    import pyarrow.compute as pc

    cluster = pc.dictionary_encode(rows["cluster"].combine_chunks()).indices
    return Pool(
        cluster=np.asarray(cluster, dtype=np.int64),
        success=_column(rows, "success", np.float64),
        judge=_column(rows, "judge", np.int8),
        outcome=_column(rows, "outcome", np.int8),
        contrary=_column(rows, "contrary", np.bool_),
        suspicion=_column(rows, "suspicion", np.float64),
        fresh=_column(rows, "fresh", np.bool_),
        drawn=_column(rows, "drawn", np.bool_),
    )


def _column(rows: "pa.Table", name: str, kind: Any) -> Any:
    """A column as an array; a float that is not known is NaN."""
    return rows[name].to_numpy().astype(kind)


def _failures(lake: Lake, project: str, rows: "pa.Table", wanted: int) -> Failures:
    """Three times as many as are wanted: some were looked at before."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sql, where = statements(*_SQL), {"project": project}
    most = 3 * math.ceil(wanted * SHARES["medoid"])
    places = np.flatnonzero(pc.equal(rows["resolution"], "failure").to_numpy())
    if not most or not len(places):
        return Failures()
    failed = pa.table({"episode_id": rows["episode_id"].take(places), "place": places})
    units = lake.table(sql["failures"], where, {"failed": failed})
    wanted_units = pa.table({"unit_id": pc.unique(units["skeleton"])})
    texts = lake.table(sql["skeletons"], where, {"wanted": wanted_units})
    signed = dict(
        zip(texts["unit_id"].to_pylist(), map(of_skeleton, texts["text"].to_pylist()), strict=True)
    )
    members: dict[Signature, list[int]] = {}
    for i, unit in enumerate(units["skeleton"].to_pylist()):
        signature = signed.get(unit)
        if signature is not None:
            members.setdefault(signature, []).append(i)
    if not members:  # no tool answered with an error
        return Failures()
    largest = sorted(members, key=lambda name: (-len(members[name]), name))[:most]
    return _typical(lake, project, units, {name: members[name] for name in largest})


def _typical(
    lake: Lake, project: str, units: "pa.Table", members: Mapping[Signature, Sequence[int]]
) -> Failures:
    """The medoid by the vectors of requests; of a cluster without any, the latest member."""
    vectors = _vectors(lake, project, units, members)
    requests, places = units["request"].to_pylist(), units["place"].to_pylist()
    typical: dict[int, tuple[int, Signature]] = {}
    for name, rows in members.items():
        known = [i for i in rows[:MEMBERS] if requests[i] in vectors]
        middle = rows[0]
        if known:
            stacked = np.stack([vectors[requests[i]] for i in known])
            middle = known[medoids([""] * len(known), stacked)[0]]
        typical[places[middle]] = len(rows), name
    return Failures(medoids=tuple(typical), typical=typical)


def _vectors(
    lake: Lake, project: str, units: "pa.Table", members: Mapping[Signature, Sequence[int]]
) -> Mapping[int, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = [i for held in members.values() for i in held[:MEMBERS]]
    wanted = pa.table({"unit_id": pc.unique(units["request"].take(rows).drop_null())})
    sql = statements(*_SQL)["vectors"]
    found = lake.table(sql, {"project": project}, {"wanted": wanted})
    stacked = np.asarray(pc.list_flatten(found["vector"]), dtype=np.float64)
    vectors = stacked.reshape(len(found), -1) if len(found) else stacked
    return dict(zip(found["unit_id"].to_pylist(), vectors, strict=True))


def _items(
    project: str,
    rows: "pa.Table",
    chosen: Sequence[Pick],
    failures: Failures,
    generator: np.random.Generator,
    *,
    now: datetime,
    twice: float,
) -> list[ReviewItem]:
    """The items of picks that nobody has looked at yet."""
    reasons = Reasons(failures.typical)
    return [
        ReviewItem(
            project=project,
            item_id=item_id(project, row["episode_id"]),
            episode_id=row["episode_id"],
            stratum=pick.stratum,
            selection_probability=pick.selection_probability,
            drawn_at=now if pick.stratum == "random" else None,
            why=reasons.why(pick, row),
            picked_at=now,
            resolution=row["resolution"],
            p_success=row["success"],
            asked=2 if pick.stratum == "random" and generator.random() < twice else 1,
            state="open",
            state_at=now,
        )
        for pick, row in _of(rows, chosen)
        if row["fresh"]
    ]


def item_id(project: str, episode_id: str) -> str:
    """An episode is one item, whenever it is picked."""
    return "rv_" + digest(dump([project, episode_id]))[:16]


def _drawn_again(rows: "pa.Table", chosen: Sequence[Pick]) -> dict[str, float]:
    """The chances of items that were picked for other reasons before they were drawn."""
    return {
        row["item_id"]: pick.selection_probability
        for pick, row in _of(rows, chosen)
        if not row["fresh"] and pick.selection_probability is not None
    }


def _of(rows: "pa.Table", chosen: Sequence[Pick]) -> Iterator[tuple[Pick, dict[str, Any]]]:
    taken = rows.take([pick.place for pick in chosen]).to_pylist() if chosen else []
    return zip(chosen, taken, strict=True)


def _write(
    lake: Lake,
    project: str,
    items: Sequence[ReviewItem],
    drawn: Mapping[str, float],
    again: _Again,
    ends: _Ends,
    now: datetime,
) -> None:
    sql, where = statements(*_SQL), {"project": project}

    def write(tx: Transaction) -> None:
        if ends.states:
            names, states = list(ends.states), list(ends.states.values())
            tx.run(sql["close"], {**where, "items": names, "states": states, "at": now})
        if drawn:
            names, chances = list(drawn), list(drawn.values())
            tx.run(sql["draw"], {**where, "items": names, "chances": chances, "at": now})
        if again.answers:
            names, answers = list(again.answers), list(again.answers.values())
            asked = {**where, "items": names, "answers": answers, "why": DIVIDED, "at": now}
            tx.run(sql["ask_again"], asked)
        if items:
            tx.run(sql["gone_items"], {**where, "items": [item.item_id for item in items]})
            tx.append("review_items", items)

    if items or drawn or again.answers or ends.states:
        lake.write(write)


def _result(
    seen: int,
    items: Sequence[ReviewItem],
    drawn: Mapping[str, float],
    again: _Again,
    ends: _Ends,
) -> StepResult:
    strata = Counter(item.stratum for item in items)
    return StepResult(
        step=STEP,
        seen=seen,
        kept=ends.unanswered + len(items),
        dropped=dict(Counter(ends.states.values()).most_common()),
        notes={
            "new": len(items),
            **{name: strata[name] for name in SHARES},
            "asked_twice": sum(item.asked > 1 for item in items),
            "drawn_again": len(drawn),
            "asked_again": len(again.answers),
        },
    )
