"""What assembly reads, piece by piece: spans, the bodies that they name, the episodes that stand.

Each kind comes from one statement over the whole lake, sorted by piece, and is taken from it as it
is made: whatever the size of the lake, every row is read once, and one shelf is in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.curate.block import blocks
from headrace.curate.group import Library
from headrace.curate.plan import NEVER, Plan
from headrace.lake.message import Body
from headrace.lake.record import Episode, Span
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Stream

if TYPE_CHECKING:
    import pyarrow as pa

LONG = 1_000  # messages; a longer input is read apart
FEW = 50_000  # spans; the messages of so few are found before their bodies are read

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = ("received_at", "started_at", "ended_at")
_LISTS = ("input", "output", "defects")


class Feed:
    """The rows of a plan; pieces and groups must be asked for in their order."""

    def __init__(self, lake: Lake, project: str, plan: Plan) -> None:
        first, last = plan.bounds
        places = {"places": plan.places}
        given = {"project": project, "never": NEVER, "first": first, "last": last}
        self._lake = lake
        self._project = project
        # In this order: messages are in the lake before the spans that name them, or with them.
        self._spans = Reel(lake.stream(_sql("spans_of_pieces"), {**given, "long": LONG}, places))
        self._bodies = Reel(_bodies(lake, given, places, few=plan.spans <= FEW))
        self._standing = _standing(
            lake, project, lake.table(_sql("touched_episodes"), {"project": project}, places)
        )
        self._shelf = -1
        self._clear()

    def spans(self, piece: int) -> list[Span]:
        rows = list(self._spans.take(piece))
        long = [row for row in rows if row.pop("long")]
        if long:
            self._unroll(long)
        return [_span(row) for row in rows]

    def library(self, piece: int) -> Library:
        """The bodies that the spans of a piece name; it grows, and is another on the next shelf."""
        for row in self._bodies.take(piece):
            if row["shelf"] != self._shelf:
                self._shelf = row["shelf"]
                self._clear()
            held = self._tools if row["tools"] else self._messages
            held[row["hash"]] = msgspec.json.decode(row["body"])
        return Library(messages=self._messages, tools=self._tools)

    def standing(self, group: int) -> list[Episode]:
        """The last revisions of the episodes that were assembled from the traces of a group."""
        rows = self._standing.take(group) if self._standing else ()
        return [msgspec.convert(row, Episode) for row in rows]

    def _unroll(self, rows: Sequence[dict[str, Any]]) -> None:
        """Read the inputs of spans whose histories are long; each name is held once."""
        begun = [row["started_at"] for row in rows if row["started_at"] is not None]
        given = {
            "project": self._project,
            "keys": [f"{row['trace_id']} {row['span_id']}" for row in rows],
            "first": _time(min(begun, default=0)),
            "last": _time(max(begun, default=0)),
            "long": LONG,
        }
        known: dict[str, str] = {}
        for place, names in groupby(self._lake.stream(_sql("long_inputs"), given), itemgetter(0)):
            rows[place - 1]["input"] = tuple(known.setdefault(name, name) for _, name in names)

    def _clear(self) -> None:
        self._messages: dict[str, Body] = {}
        self._tools: dict[str, list[Body]] = {}


class Reel:
    """Rows sorted by their first column, a number, and taken number by number."""

    def __init__(self, stream: Stream) -> None:
        self._columns = stream.columns[1:]
        self._rows = iter(stream)
        self._next = next(self._rows, None)

    def take(self, number: int) -> Iterator[dict[str, Any]]:
        """The rows up to a number that were not taken yet, without that column."""
        while self._next is not None and self._next[0] <= number:
            yield dict(zip(self._columns, self._next[1:], strict=True))
            self._next = next(self._rows, None)


def _bodies(
    lake: Lake, given: Mapping[str, object], places: "Mapping[str, pa.Table]", *, few: bool
) -> Stream:
    """In one step, or in two where only some of the lake's bodies are to be unpacked."""
    if not few:
        return lake.stream(_sql("bodies_of_pieces"), given, places)
    named = lake.table(_sql("named_by_pieces"), given, places)
    return lake.stream(_sql("bodies_of_rows"), blocks(np.asarray(named["place"])), {"named": named})


def _standing(lake: Lake, project: str, touched: "pa.Table") -> Reel | None:
    """None where there are none: then the texts of all episodes are not even looked at."""
    import pyarrow.compute as pc

    if not len(touched):
        return None
    first, last = pc.min(touched["first"]).as_py(), pc.max(touched["last"]).as_py()
    given = {"project": project, "first": first or _EPOCH, "last": last or _EPOCH}
    return Reel(lake.stream(_sql("standing_episodes"), given, {"touched": touched}))


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _sql(name: str) -> str:
    return statements("headrace.curate")[name]


def _span(row: dict[str, Any]) -> Span:
    for name in _TIMES:
        if row[name] is not None:
            row[name] = _time(row[name])
    for name in _LISTS:
        if not isinstance(row[name], tuple):
            row[name] = tuple(row[name].split(",")) if row[name] else ()
    return Span(**row)
