"""Which traces are assembled together, and in which pieces they are read.

A group is a trace, or all traces that a conversation id, a response id or an episode of an earlier
night joins. Groups with a change are numbered by their start. Each is one piece; one that is too
large for memory is cut into several, at the start of a trace or within a trace at the start of a
call. Pieces lie on shelves: the messages of a shelf are in memory together.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.component import Ints, roots
from headrace.lake.record import AssembledTrace
from headrace.lake.statement import statements
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

CALLS = 5_000  # LLM calls that are assembled at once
NAMES = 5_000_000  # messages that their histories name, all together
MANY = 300  # LLM calls from which on the histories of a group are looked at
SHELF = 2_000  # spans whose messages are in memory together
CROWD = 16  # traces that may say the same turn on one day and still be linked by it
LINKED_S = 24 * 3600  # between two calls that are linked without a conversation id
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS = 1_000  # traces that become records at a time
NEVER = 2**62  # microseconds since 1970; where a span has no start

N = TypeVar("N", np.int64, np.float64)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A group that is due: traces that are assembled together."""

    number: int
    pieces: range
    spans: int
    traces: tuple[AssembledTrace, ...]  # with the fingerprints of the spans that are read
    before: tuple[str | None, ...]  # their fingerprints when they were last assembled


class Plan:
    """The groups to assemble, oldest first, and where their traces are to be read."""

    def __init__(
        self, project: str, marks: "pa.Table", group: Ints, weight: Ints, cuts: "Cuts"
    ) -> None:
        """`marks` lie group by group; CALLS * NAMES is the weight of what is assembled at once."""
        self._project = project
        self._marks = marks
        self._group = group
        self._spans = _numbers(marks, "spans")
        before = _before(np.minimum(weight, CALLS * NAMES)[cuts.rows], group[cuts.rows])
        self._piece = _steps(group[cuts.rows], before // (CALLS * NAMES))
        self._cuts = cuts

    @property
    def spans(self) -> int:
        return int(self._spans.sum())

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """When the first and the last span of these traces began."""
        import pyarrow.compute as pc

        first, last = pc.min(self._marks["started_at"]), pc.max(self._marks["last_at"])
        return first.as_py() or _EPOCH, last.as_py() or _EPOCH

    @property
    def places(self) -> "pa.Table":
        """Where each trace, or each cut of one, is read: by piece, on which shelf."""
        import pyarrow as pa

        rows = self._cuts.rows
        spans = self._spans[rows] / np.bincount(rows)[rows]
        return pa.table(
            {
                "trace_id": self._marks["trace_id"].take(pa.array(rows)),
                "grp": self._group[rows],
                "piece": self._piece,
                "shelf": _shelves(self._piece, spans),
                "since": self._cuts.since,
                "until": self._cuts.until,
            }
        )

    def __iter__(self) -> Iterator[Due]:
        last = np.flatnonzero(np.diff(self._group[self._cuts.rows], append=-1))
        ends = [0, *(self._piece[last] + 1).tolist()]
        spans = np.bincount(self._group, weights=self._spans).astype(int).tolist()
        rows = zip(self._group.tolist(), self._rows(), strict=True)
        for number, members in groupby(rows, key=itemgetter(0)):
            traces, before = zip(*(row for _, row in members), strict=True)
            yield Due(
                number=number,
                pieces=range(ends[number], ends[number + 1]),
                spans=spans[number],
                traces=traces,
                before=before,
            )

    def _rows(self) -> Iterator[tuple[AssembledTrace, str | None]]:
        columns = self._marks.select(["trace_id", "fingerprint", "assembled"])
        for batch in columns.to_batches(max_chunksize=_ROWS):
            for name, print_, before in zip(*batch.to_pydict().values(), strict=True):
                trace = AssembledTrace(project=self._project, trace_id=name, fingerprint=print_)
                yield trace, before


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """The stretches of time in which traces are read: all of it, unless a trace is too long."""

    rows: Ints  # which trace
    since: Ints
    until: Ints

    @classmethod
    def of(cls, count: int, starts: Mapping[int, Sequence[int | None]]) -> "Cuts":
        """`starts`: the number of a trace -> when each of its cuts begins."""
        parts = np.ones(count, np.int64)
        for number, begun in starts.items():
            parts[number] = len(begun)
        rows = np.repeat(np.arange(count), parts)
        since, until = np.full(len(rows), -NEVER), np.full(len(rows), NEVER + 1)
        first = np.cumsum(parts) - parts
        for number, begun in starts.items():
            inner = [NEVER if at is None else at for at in begun[1:]]
            at = first[number]
            since[at + 1 : at + len(begun)] = inner
            until[at : at + len(begun) - 1] = inner
        return cls(rows=rows, since=since, until=until)


def planned(lake: Lake, project: str, version: str, *, link: bool) -> Plan | None:
    """The groups with a trace whose spans, or whose rules, changed since it was assembled."""
    sql = statements("headrace.curate")
    marks = lake.table(sql["trace_marks"], {"project": project, "version": version})
    changed = _changed(marks)
    if not changed.any():
        return None
    root = roots(len(marks), *_edges(lake, project, marks, link=link))
    picked = np.flatnonzero(np.isin(root, root[changed]))
    rows, group = _by_start(marks.take(picked), root[picked])
    return _plan(lake, project, marks.take(picked[rows]), group)


def _changed(marks: "pa.Table") -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    same = pc.equal(marks["fingerprint"], marks["assembled"]).fill_null(False)
    return ~np.asarray(same)


def _by_start(marks: "pa.Table", root: Ints) -> tuple[Ints, Ints]:
    """The rows, groups and the traces of each as they began, and the number of each row's group."""
    import pyarrow.compute as pc

    keys = [("started_at", "ascending"), ("trace_id", "ascending")]
    rows = np.asarray(pc.sort_indices(marks, sort_keys=keys), np.int64)  # no start: last
    _, first, group = np.unique(root[rows], return_index=True, return_inverse=True)
    together = np.argsort(first[group], kind="stable")
    return rows[together], _steps(group[together])


def _edges(lake: Lake, project: str, marks: "pa.Table", *, link: bool) -> tuple[Ints, Ints]:
    import pyarrow as pa

    sql = statements("headrace.curate")
    marks = marks.append_column("n", pa.array(np.arange(len(marks))))
    tables = {"marks": marks.select(["n", "trace_id", "conversation", "conversation_2"])}
    keyed = [
        marks.select(["conversation", "n"]).drop_null().rename_columns(["key", "n"]),
        lake.table(sql["trace_keys"], {"project": project}, tables),
    ]
    found = [_sharing(*_pairs(keyed, "key", "n"))]
    if link:
        given = {"project": project, "crowd": CROWD, "seconds": LINKED_S}
        found.append(_pairs([lake.table(sql["trace_links"], given, tables)], "first", "n"))
    one, other = zip(*found, strict=True)
    return np.concatenate(one), np.concatenate(other)


def _sharing(keys: NDArray[Any], numbers: Ints) -> tuple[Ints, Ints]:
    """Each number with the first that bears the same key."""
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    return numbers[first[of]], numbers


def _pairs(tables: "Sequence[pa.Table]", *names: str) -> tuple[NDArray[Any], NDArray[Any]]:
    one, other = (np.concatenate([np.asarray(table[name]) for table in tables]) for name in names)
    return one, other


def _plan(lake: Lake, project: str, marks: "pa.Table", group: Ints) -> Plan:
    sql = statements("headrace.curate")
    calls = _numbers(marks, "calls")
    weight = calls * NAMES
    # Only in a group of many calls can histories be too long for memory.
    many = np.flatnonzero(np.bincount(group, weights=calls)[group] > MANY)
    rows = {marks["trace_id"][i].as_py(): int(i) for i in many}
    if rows:
        for trace_id, names in lake.stream(
            sql["trace_names"], {"project": project, "traces": list(rows)}
        ):
            weight[rows[trace_id]] = max(weight[rows[trace_id]], names * CALLS)
    long = [name for name, row in rows.items() if weight[row] > CALLS * NAMES]
    starts: dict[int, list[int | None]] = {}
    if long:
        given = {"project": project, "traces": long, "calls": CALLS, "names": NAMES}
        for trace_id, at in lake.stream(sql["trace_cuts"], given):
            starts.setdefault(rows[trace_id], []).append(at)
    return Plan(project, marks, group, weight, Cuts.of(len(marks), starts))


def _numbers(table: "pa.Table", name: str) -> Ints:
    return np.asarray(table[name], np.int64)


def _steps(*keys: NDArray[Any]) -> Ints:
    """A number for each row that grows by one wherever a key changes."""
    changes = np.zeros(len(keys[0]), bool)
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return np.cumsum(changes)


def _before(values: NDArray[N], group: Ints) -> NDArray[N]:
    """The sum of the values that lie before each in its group."""
    before = np.cumsum(values) - values
    return before - before[np.searchsorted(group, group)]


def _shelves(piece: Ints, spans: NDArray[np.float64]) -> Ints:
    """Pieces one after the other, `SHELF` spans on each shelf."""
    before = np.cumsum(spans) - spans
    return (before[np.searchsorted(piece, piece)] // SHELF).astype(np.int64)
