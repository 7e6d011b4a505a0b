"""What episodes repeat of cases word for word, read a slice of episodes at a time."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate import unit
from headrace.curate.block import blocks
from headrace.curate.conversation import decoded
from headrace.curate.wall.anchor import Anchors
from headrace.curate.wall.coverage import Grams, common
from headrace.curate.wall.item import Item
from headrace.lake.message import text_of
from headrace.lake.statement import statements
from headrace.lake.store import Lake

SLICE = 40_000  # episodes whose messages are looked up together
PART = 5_000  # episodes whose texts are held at once
HEARD = ("user", "tool")  # who says what an eval case could hide in

OVERLAP = pl.Schema(
    {"case_id": pl.String(), "episode_id": pl.String(), "rule": pl.String(),
     "starts": pl.List(pl.Int32())}
)  # fmt: skip


class Repeats:
    """Some cases, looked for in the texts of episodes.

    An overlap is an equal request (rule `exact`, no `starts`), or half of the words of a case in
    runs (`ngram`), boilerplate included: what boilerplate is shows when all episodes are known.
    """

    def __init__(self, lake: Lake, items: Sequence[Item]) -> None:
        self._lake = lake
        self._items = items
        self._grams = Grams(items)
        self._anchors = Anchors.of(items)
        self._equal: dict[str, list[int]] = {}
        for at, item in enumerate(items):
            for name in item.hashes:
                self._equal.setdefault(name, []).append(at)

    def slices(self, episodes: pa.Table) -> Iterator[tuple[pa.Table, pl.DataFrame]]:
        """Parts of episodes (`episode_id`, `revision`, `scrubbed`: a row), and the overlaps of
        each: `case_id`, `episode_id`, `rule`, `starts`."""
        for start in range(0, len(episodes), SLICE):
            told = episodes.slice(start, SLICE)
            rows = self._rows(told)
            said = self._places(rows)
            for at in range(0, len(told), PART):
                part = told.slice(at, PART)
                yield part, self._overlaps(rows.slice(at, PART), said, part["episode_id"])

    def _overlaps(
        self, rows: pa.Table, said: Mapping[str, tuple[int, str]], episodes: pa.ChunkedArray
    ) -> pl.DataFrame:
        texts = self._texts(rows, said)
        names = episodes.to_pylist()
        equal = self._requests(rows, said, texts, names)
        return pl.concat([equal, self._runs(rows, said, texts, names)])

    def _rows(self, episodes: pa.Table) -> pa.Table:
        wanted = pa.table(
            {"n": np.arange(len(episodes)), "scrubbed": episodes["scrubbed"].combine_chunks()}
        )
        return self._found("requests_of_places", wanted, "scrubbed")

    def _places(self, rows: pa.Table) -> Mapping[str, tuple[int, str]]:
        """Row and role of each message that is named."""
        wanted = pa.table({"hash": pc.unique(pc.list_flatten(rows["messages"]))})
        found = self._lake.table(_sql("places_of_messages"), tables={"wanted": wanted})
        columns = (found[name].to_pylist() for name in ("hash", "place", "role"))
        return {name: (place, role) for name, place, role in zip(*columns, strict=True)}

    def _texts(self, rows: pa.Table, said: Mapping[str, tuple[int, str]]) -> Mapping[int, str]:
        """By row, what users said in these episodes, and tools that may have repeated a case."""
        named = (said[name] for name in pc.unique(pc.list_flatten(rows["messages"])).to_pylist())
        heard = dict(sorted(one for one in named if one[1] in HEARD))
        wanted = pa.table({"place": pa.array(heard, pa.int64())})
        found = self._found("bodies_of_places", wanted, "place")
        rows_of = zip(found["place"].to_pylist(), found["body"].to_pylist(), strict=True)
        return {
            place: text_of(decoded(body).get("content"))
            for place, body in rows_of
            if heard[place] == "user" or self._may_repeat(body)
        }

    def _may_repeat(self, body: str) -> bool:
        return self._anchors is None or self._anchors.in_body(body)

    def _requests(
        self,
        rows: pa.Table,
        said: Mapping[str, tuple[int, str]],
        texts: Mapping[int, str],
        names: Sequence[str],
    ) -> pl.DataFrame:
        found = [
            (self._items[at].case_id, name, "exact", None)
            for name, request, messages in zip(
                names, rows["request"].to_pylist(), rows["messages"].to_pylist(), strict=True
            )
            for at in self._asking({request or "", _opening(messages, said, texts)})
        ]
        return pl.DataFrame(found, schema=OVERLAP, orient="row")

    def _asking(self, requests: set[str]) -> Sequence[int]:
        """The cases that ask one of these."""
        hashes = map(unit.request_hash, requests)
        return sorted({at for name in hashes if name for at in self._equal.get(name, ())})

    def _runs(
        self,
        rows: pa.Table,
        said: Mapping[str, tuple[int, str]],
        texts: Mapping[int, str],
        names: Sequence[str],
    ) -> pl.DataFrame:
        holds = _holds(rows, said, {place: at for at, place in enumerate(texts)})
        shared = holds.join(self._grams.shared(texts.values()), on="text")
        if not len(shared):
            return pl.DataFrame(schema=OVERLAP)
        covered = self._grams.covered(shared, "n")
        cases, episodes = [item.case_id for item in self._items], list(names)
        return covered.select(
            case_id=pl.col("item").replace_strict(dict(enumerate(cases)), return_dtype=pl.String),
            episode_id=pl.Series(episodes).gather(covered["n"]),
            rule=pl.lit("ngram"),
            starts=pl.col("starts").cast(pl.List(pl.Int32)),
        )

    def _found(self, sql: str, wanted: pa.Table, column: str) -> pa.Table:
        given = blocks(np.asarray(wanted[column]))
        return self._lake.table(_sql(sql), given, {"wanted": wanted})


def without_boilerplate(
    items: Sequence[Item], overlaps: pl.DataFrame, groups: pl.DataFrame
) -> pl.DataFrame:
    """The overlaps (`case_id`, `episode_id`, `share`) that are left without common runs, be they
    common to many groups or to several cases.

    `groups` has the group of every episode; one that has none is a group of its own.
    """
    number = {item.case_id: at for at, item in enumerate(items)}
    told = overlaps.filter(pl.col("rule") == "ngram").join(groups, on="episode_id")
    named = told["episode_id"].unique().sort()
    rows = told.select(
        episode=pl.col("episode_id").cast(pl.Enum(named)).to_physical(),
        group=pl.coalesce("group", "episode_id"),
        item=pl.col("case_id").replace_strict(number, return_dtype=pl.Int64),
        start="starts",
    ).explode("start")
    count = groups.select(pl.coalesce("group", "episode_id").n_unique()).item()
    grams = Grams(items)
    form = pl.concat([grams.common, common(rows, count)])
    left = rows.join(form, on=["item", "start"], how="anti")
    covered = grams.covered(left, "episode")
    names = {at: name for name, at in number.items()}
    return covered.select(
        "share",
        episode_id=named.gather(covered["episode"]),
        case_id=pl.col("item").replace_strict(names, return_dtype=pl.String),
    )


def _opening(
    messages: Sequence[str], said: Mapping[str, tuple[int, str]], texts: Mapping[int, str]
) -> str:
    """The user turns before the first assistant action, whoever wrote that one."""
    asked: list[str] = []
    for name in messages:
        place, role = said[name]
        if role == "assistant" and asked:
            break
        if role == "user":
            asked.append(texts[place])
    return "\n".join(asked)


def _holds(
    rows: pa.Table, said: Mapping[str, tuple[int, str]], numbers: Mapping[int, int]
) -> pl.DataFrame:
    """Which episode (`n`) holds which text (`text`)."""
    held = (
        pl.DataFrame(rows.select(["messages"]))
        .with_row_index("n")
        .explode("messages")
        .drop_nulls("messages")
    )
    known = {name: numbers[place] for name, (place, _) in said.items() if place in numbers}
    codes = pl.col("messages").replace_strict(known, default=None, return_dtype=pl.Int64)
    return held.select("n", text=codes).drop_nulls("text").unique(maintain_order=True)


def _sql(name: str) -> str:
    return statements("headrace.curate.wall", "wall.sql")[name]
