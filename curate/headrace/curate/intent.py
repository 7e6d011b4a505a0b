"""Gathers what people ask for into intents: few, named, and the same ones from night to night."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

import numpy as np
import pyarrow as pa

from headrace.curate import ledger
from headrace.curate.intents import cluster
from headrace.curate.intents.cluster import Nearest
from headrace.curate.intents.generation import Generation, Standing, generation
from headrace.curate.intents.name import Name, Namer
from headrace.curate.intents.request import Arrived, Read, Requests, sampled
from headrace.curate.near.label import Ids
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.encoder import Encoder, Vectors
from headrace.curate.semantic.shelf import Kin
from headrace.curate.step import StepResult
from headrace.lake.record import Intent
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "intents"
METHOD = "intent"
CHUNK = 50_000  # requests whose vectors are in memory together

FIRST = 24  # episodes that are clustered at first; then half as many more each time


def intents(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    told: Progress = silent,
    encoder: Encoder | None = None,
    namer: Namer | None = None,
) -> StepResult:
    """Write the clusters `intent`, and `centroids` and `intents` where there are new ones.

    New requests join the nearest intent; those near to none wait. Whenever half as many episodes
    more have come, all are clustered anew, and an intent that is found again keeps its id and its
    name. It is the episodes that came first, so and so many, that are clustered: in one night or
    in several. Names are the words that set an intent apart, or what `namer` says, asked once.
    """
    desk = Desk(lake, project, (encoder or Encoder.of(lake.settings)).recipe, now)
    waiting, every = desk.waiting()
    standing = desk.standing()
    found = desk.clustered(standing, every, namer)
    if found is None:
        joined = desk.joined(standing, told)
    else:
        joined = desk.write(found)
        told(joined, joined)
    return StepResult(
        step=STEP,
        seen=waiting if found is None else every,
        kept=joined,
        dropped={},
        notes={
            "intents": len(found[-1].ids) if found else len(standing),
            "waiting": desk.waiting()[0],
            "clustered": int(found is not None),
        },
    )


def sizes(episodes: int) -> Iterator[int]:
    """How many episodes are clustered, time after time, up to so many."""
    size = FIRST
    while size <= episodes:
        yield size
        size = size * 3 // 2


class Desk:
    """One project's requests under one recipe."""

    def __init__(self, lake: Lake, project: str, recipe: str, now: datetime) -> None:
        self._lake = lake
        self._project = project
        self._recipe = recipe
        self._now = now
        self._kin = Kin.of(lake, project)
        self._where = {"project": project}
        self._given = {"project": project, "recipe": recipe}

    def standing(self) -> Standing:
        rows = self._lake.table(_sql("standing_intents"), self._given)
        return Standing(
            ids=rows["intent_id"].to_pylist(),
            middles=shelf.matrix(rows["vector"]),
            episodes=rows["episodes"][0].as_py() if len(rows) else 0,
        )

    def requests(self, sql: str, **given: int | None) -> Requests:
        rows = self._lake.table(_sql(sql), {**self._where, **given})
        ids = np.asarray(rows["unit_id"], dtype=np.int64)
        sources = self._kin.source(ids)
        lacking = shelf.missing(self._lake, self._project, self._recipe, sources)
        kept = np.flatnonzero(~np.isin(sources, lacking))
        intents = rows["intent_id"].to_pylist()
        return Requests(
            ids=ids[kept],
            sources=sources[kept],
            episodes=np.asarray(rows["episodes"], dtype=np.int64)[kept],
            intents=[intents[at] for at in kept.tolist()],
        )

    def waiting(self) -> tuple[int, int]:
        """Episodes that are in no intent, and all that ask something."""
        [(waiting, every)] = self._lake.sql(_sql("waiting_episodes"), self._where).fetchall()
        return int(waiting), int(every)

    def joined(self, standing: Standing, told: Progress) -> int:
        """Put episodes into the intents that stand; of how many requests."""
        if not len(standing):
            return 0
        done = 0
        waiting = self.requests("waiting_requests")
        for start, near in self._near(waiting, standing.middles):
            rows = _rows(waiting.ids[start : start + len(near.places)], near, standing.ids)
            self._lake.write(lambda tx: self._settle(tx, "clusters_joined", rows))  # noqa: B023
            done += len(rows)
            told(start + len(near.places), len(waiting))
        return done

    def clustered(
        self, standing: Standing, every: int, namer: Namer | None
    ) -> list[Generation] | None:
        """The intents after each of the times at which it was due; None where it is not.

        A new model takes over what the one before it found last.
        """
        due = [size for size in sizes(every) if size > standing.episodes]
        taken = self._lake.table(_sql("names_taken"), self._where)["name"].to_pylist()
        if taken and not len(standing):
            due = due[-1:]
        found: list[Generation] = []
        for size, some, read in self._samples(due):
            vectors = read.of(some)
            before = self._before(standing, vectors, size, some)
            one = generation(size, some, read, before, taken, namer)
            found.append(one)
            standing = one.standing
            taken += [name.name for name in one.fresh]
        return found or None

    def write(self, found: Sequence[Generation]) -> int:
        """All of it in one transaction: nobody sees new intents beside old clusters."""
        last = found[-1]
        every = self.requests("requests", first=None)
        parts = [
            _rows(every.ids[start : start + len(near.places)], near, last.ids)
            for start, near in self._near(every, last.middles)
        ]
        rows = pa.concat_tables(parts)

        def write(tx: Transaction) -> None:
            tx.run(_sql("forget_centroids"), self._where)
            tx.append_columns("centroids", self._centroids(last))
            for one in found:
                tx.append("intents", [self._row(name) for name in one.fresh])
                self._log(tx, one.gone)
            self._settle(tx, "clusters_anew", rows, first=last.episodes)

        self._lake.write(write)
        return len(rows)

    def _samples(self, due: Sequence[int]) -> Iterator[tuple[int, Requests, Read]]:
        """What is clustered at each of these sizes; none from the first on with no vector at all.

        Small ones hold those before them and are read together.
        """
        if not due:
            return
        arrived = self._arrived()
        samples = list(
            takewhile(
                lambda told: len(told[1]), ((size, sampled(arrived.first(size))) for size in due)
            )
        )
        small = [told for told in samples if len(told[1]) < cluster.SAMPLE]
        for together in (small, *([told] for told in samples[len(small) :])):
            if together:
                read = self._reading(together[-1][1].sources)
                yield from ((size, some, read) for size, some in together)

    def _before(
        self, standing: Standing, vectors: Vectors, size: int, some: Requests
    ) -> list[str | None]:
        if not len(standing):
            return list(sampled(self.requests("requests", first=size)).intents)
        places = cluster.nearest(vectors, standing.middles).places.tolist()
        return [None if at < 0 else standing.ids[at] for at in places]

    def _arrived(self) -> Arrived:
        asked = np.asarray(self._lake.table(_sql("arrivals"), self._where)["unit_id"], np.int64)
        ids = np.unique(asked)
        sources = self._kin.source(ids)
        lacking = shelf.missing(self._lake, self._project, self._recipe, sources)
        return Arrived(
            asked=asked, ids=ids, sources=np.where(np.isin(sources, lacking), -1, sources)
        )

    def _reading(self, units: Ids) -> Read:
        ids, vectors = shelf.vectors(self._lake, self._project, self._recipe, units)
        _, texts = shelf.texts(self._lake, self._project, units)
        return Read(ids=ids, vectors=vectors, texts=texts)

    def _near(self, requests: Requests, middles: Vectors) -> Iterator[tuple[int, Nearest]]:
        """Where each part of the requests begins, and its nearest middles."""
        for start in range(0, len(requests), CHUNK):
            mine = requests.sources[start : start + CHUNK]
            sources, vectors = shelf.vectors(
                self._lake, self._project, self._recipe, np.unique(mine)
            )
            near = cluster.nearest(vectors, middles)
            at = np.searchsorted(sources, mine)
            yield start, Nearest(places=near.places[at], cosines=near.cosines[at])

    def _centroids(self, last: Generation) -> pa.Table:
        count = len(last.ids)
        return pa.table(
            {
                "project": pa.array([self._project] * count, pa.string()),
                "model": pa.array([self._recipe] * count, pa.string()),
                "intent_id": pa.array(last.ids, pa.string()),
                "vector": pa.array(list(last.middles), pa.list_(pa.float32())),
                "episodes": pa.array([last.episodes] * count, pa.int64()),
            }
        )

    def _row(self, name: Name) -> Intent:
        return Intent(
            project=self._project,
            intent_id=name.intent_id,
            name=name.name,
            terms=name.terms,
            named_by=name.named_by,
            at=self._now,
        )

    def _settle(self, tx: Transaction, sql: str, rows: pa.Table, **given: int) -> None:
        wanted = tx.table(_sql(sql), {**self._where, **given}, {"placed": rows})
        ledger.gathered(tx, self._project, METHOD, wanted, gone=sql == "clusters_anew")

    def _log(self, tx: Transaction, gone: Mapping[str, str]) -> None:
        """Intents that went into others."""
        if gone:
            rows = pa.table({"old": list(gone), "new": list(gone.values())})
            tx.run(_sql("log_merges"), {**self._where, "at": self._now}, {"merged": rows})


def _rows(ids: Ids, near: Nearest, names: Sequence[str]) -> pa.Table:
    """`unit_id`, `intent_id`, `cosine` of those that are near to an intent."""
    kept = np.flatnonzero(near.places >= 0)
    called = [names[at] for at in near.places[kept].tolist()]
    return pa.table(
        {
            "unit_id": ids[kept],
            "intent_id": pa.array(called, pa.string()),
            "cosine": near.cosines[kept],
        }
    )


def _sql(name: str) -> str:
    return statements("headrace.curate", "intent.sql")[name]
