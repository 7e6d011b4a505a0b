"""The episodes that a step has not looked at yet, read a chunk at a time.

Reading costs what the backlog costs, not what the lake holds: rows are found by their numbers, and
texts are unpacked only where one is asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.block import blocks, dense
from headrace.curate.conversation import Conversation, conversation, decoded
from headrace.lake.message import Body
from headrace.lake.record import Done
from headrace.lake.statement import statements
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

SLICE = 100_000  # episodes whose messages are looked up together
CHARS = 64_000_000  # of the messages of a chunk
CHUNK = 20_000  # episodes of a chunk
DENSE = 64  # messages that are wanted of a stretch of rows; with fewer they stand apart
PART = 500  # episodes that another process takes at once


class Chunk:
    """Some of the episodes, in order; each is decoded when its turn comes."""

    def __init__(self, rows: "pa.Table", bodies: Mapping[str, str], step: "Looked") -> None:
        self._rows = rows
        self._bodies = bodies
        self._step = step

    def __len__(self) -> int:
        return len(self._rows)

    def parts(self) -> Iterator["Chunk"]:
        """The same in pieces that are worth sending to another process, each with its texts."""
        import pyarrow.compute as pc

        for start in range(0, len(self), PART):
            places = np.arange(start, min(start + PART, len(self)))
            rows = self._rows.take(places)  # a slice would be sent with all rows of the chunk
            names = pc.unique(pc.list_flatten(rows["messages"])).to_pylist()
            yield Chunk(rows, {name: self._bodies[name] for name in names}, self._step)

    def __iter__(self) -> Iterator[Conversation]:
        bodies = _Decoded(self._bodies)
        for batch in self._rows.to_batches(max_chunksize=1_000):
            for row in batch.to_pylist():
                yield conversation(row, bodies)

    @property
    def done(self) -> list[Done]:
        """The rows that say that the step has looked at these; to be written with its findings."""
        names, revisions = self._rows["episode_id"], self._rows["revision"]
        return [
            Done(
                project=self._step.project,
                step=self._step.step,
                version=self._step.version,
                key=name,
                revision=revision,
            )
            for name, revision in zip(names.to_pylist(), revisions.to_pylist(), strict=True)
        ]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks."""

    project: str
    step: str
    version: str


class Backlog:
    """The current episodes without a `done` row of this step and version, as they arrived.

    With `scrubbed` messages, request and metadata are those without personal data, and episodes
    that were not scrubbed yet wait.
    """

    def __init__(self, lake: Lake, waiting: "pa.Table", step: Looked, *, scrubbed: bool) -> None:
        self._lake = lake
        self._waiting = waiting
        self._step = step
        self._scrubbed = scrubbed

    @classmethod
    def of(
        cls, lake: Lake, project: str, *, step: str, version: str, scrubbed: bool = True
    ) -> Self:
        looked = Looked(project=project, step=step, version=version)
        given = {**msgspec.structs.asdict(looked), "scrubbed": scrubbed}
        return cls(lake, lake.table(_sql("waiting"), given), looked, scrubbed=scrubbed)

    def __len__(self) -> int:
        return len(self._waiting)

    def named(self, episodes: Iterable[str]) -> "Backlog":
        """Those of these episodes alone."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(sorted(set(episodes)), pa.string())
        rows = self._waiting.filter(pc.is_in(self._waiting["episode_id"], wanted))
        return Backlog(self._lake, rows, self._step, scrubbed=self._scrubbed)

    def read(self, episodes: Iterable[str]) -> Iterator[Conversation]:
        """These episodes one by one."""
        return (episode for chunk in self.named(episodes) for episode in chunk)

    def __iter__(self) -> Iterator[Chunk]:
        for start in range(0, len(self), SLICE):
            yield from self._sliced(self._waiting.slice(start, SLICE))

    def _sliced(self, waiting: "pa.Table") -> Iterator[Chunk]:
        rows = self._rows(waiting)
        known = self._places(rows)
        shared = self._shared(known)
        start = 0
        for stop in _cuts(rows["messages"].to_pylist(), known):
            part = rows.slice(start, stop - start)
            yield Chunk(part, self._bodies(part, known, shared), self._step)
            start = stop

    def _rows(self, waiting: "pa.Table") -> "pa.Table":
        """The episodes of a slice; scrubbed ones with the texts that replace theirs."""
        import pyarrow as pa

        wanted = waiting.append_column("n", pa.array(np.arange(len(waiting))))
        rows = self._found("rows_of_places", wanted, "place", project=self._step.project)
        if self._scrubbed:
            clean = self._found("scrubbed_rows_of_places", wanted, "scrubbed")
            for name in ("messages", "request", "metadata"):
                rows = rows.set_column(rows.schema.get_field_index(name), name, clean[name])
        tools = rows.schema.get_field_index("tools")  # thousands of episodes share a few
        rows = rows.set_column(tools, "tools", rows["tools"].dictionary_encode())
        return rows.append_column("scrubbed", pa.array([self._scrubbed] * len(rows)))

    def _places(self, rows: "pa.Table") -> Mapping[str, tuple[int, int]]:
        """Where each message stands that these episodes name, and how long it is."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pc.unique(pc.list_flatten(rows["messages"]))
        sql = "places_of_scrubbed_messages" if self._scrubbed else "places_of_messages"
        found = self._lake.table(_sql(sql), tables={"wanted": pa.table({"hash": names})})
        columns = (found[name].to_pylist() for name in ("hash", "place", "chars"))
        return {name: (place, chars) for name, place, chars in zip(*columns, strict=True)}

    def _shared(self, known: Mapping[str, tuple[int, int]]) -> dict[str, str]:
        """The bodies of messages that stand apart, those of earlier episodes mostly.

        They are everywhere in the table: looked up for each chunk, most of it would be unpacked
        each time. None where they are too long to be kept.
        """
        places = np.fromiter((place for place, _ in known.values()), np.int64, len(known))
        apart = ~dense(places, DENSE)
        chars = np.fromiter((chars for _, chars in known.values()), np.int64, len(known))
        if not apart.any() or chars[apart].sum() > CHARS:
            return {}
        return self._read(np.sort(places[apart]))

    def _bodies(
        self,
        rows: "pa.Table",
        known: Mapping[str, tuple[int, int]],
        shared: Mapping[str, str],
    ) -> Mapping[str, str]:
        import pyarrow.compute as pc

        names = pc.unique(pc.list_flatten(rows["messages"])).to_pylist()
        left = [known[name][0] for name in names if name not in shared]
        found = self._read(np.sort(np.array(left, dtype=np.int64)))
        return {**found, **{name: shared[name] for name in names if name in shared}}

    def _read(self, places: NDArray[np.int64]) -> dict[str, str]:
        """Bodies by hash."""
        import pyarrow as pa

        if not len(places):
            return {}
        sql = "scrubbed_messages_of_places" if self._scrubbed else "messages_of_places"
        found = self._found(sql, pa.table({"place": places}), "place")
        return dict(zip(found["hash"].to_pylist(), found["body"].to_pylist(), strict=True))

    def _found(self, sql: str, wanted: "pa.Table", column: str, **given: object) -> "pa.Table":
        given = {**given, **blocks(np.asarray(wanted[column]))}
        return self._lake.table(_sql(sql), given, {"wanted": wanted})


class _Decoded(dict[str, Body]):
    """Bodies as they are asked for; those that many episodes share are decoded once."""

    def __init__(self, bodies: Mapping[str, str]) -> None:
        super().__init__()
        self._bodies = bodies

    def __missing__(self, name: str) -> Body:
        if len(self) > CHUNK:  # what is shared comes again soon
            self.clear()
        body: Body = decoded(self._bodies[name])
        self[name] = body
        return body


def _cuts(messages: Iterable[Iterable[str]], known: Mapping[str, tuple[int, int]]) -> Iterator[int]:
    """Where chunks end: after so many episodes or characters, but never before one episode."""
    episodes = chars = at = 0
    for at, names in enumerate(messages):
        weight = sum(known[name][1] for name in names)
        if episodes and (episodes >= CHUNK or chars + weight > CHARS):
            yield at
            episodes = chars = 0
        episodes += 1
        chars += weight
    if episodes:
        yield at + 1


def _sql(name: str) -> str:
    return statements("headrace.curate", "backlog.sql")[name]
