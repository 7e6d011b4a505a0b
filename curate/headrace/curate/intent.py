"""Gathers what people ask for into intents: few, named, and the same ones from night to night."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
import numpy as np
import pyarrow as pa

from headrace.curate.intents import cluster
from headrace.curate.intents.cluster import Counts, Nearest
from headrace.curate.intents.name import Name, Namer, names
from headrace.curate.intents.succession import Succession, succession
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
CHUNK = 100_000  # requests whose vectors are in memory together
KEY = ("project", "method", "episode_id")

GROWTH = 2  # times as many requests as were clustered: then they are clustered anew
UNLIKE = 0.2  # share of the episodes that are near to no intent; more, and half as many again
READ = 40  # requests that an intent is named by, the nearest to its middle


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

    New requests join the nearest intent; those near to none wait. When the requests have doubled,
    or too many wait, all are clustered anew, and an intent that is found again keeps its id and its
    name. Names are the words that set an intent apart, or what `namer` says, asked once.
    """
    desk = Desk(lake, project, (encoder or Encoder.of(lake.settings)).recipe, now)
    standing = desk.standing()
    waiting = desk.requests("waiting_requests")
    joined = desk.joined(waiting, standing, told) if len(standing) else 0
    total = None if standing.holds(desk.count(), desk.unlike()) else desk.clustered()
    if total is not None:
        desk.write(total, namer)
        told(len(waiting), len(waiting))
    return StepResult(
        step=STEP,
        seen=len(waiting),
        kept=len(waiting) if total else joined,
        dropped={},
        notes={
            "intents": len(total.middles) if total else len(standing),
            "waiting": desk.waiting()[0],
            "clustered": int(total is not None),
        },
    )


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The intents as they were clustered last."""

    ids: Sequence[str]
    middles: Vectors
    requests: int  # different ones that were clustered
    unlike: float  # share of the episodes that were near to none of them

    def __len__(self) -> int:
        return len(self.ids)

    def holds(self, requests: int, unlike: float) -> bool:
        """Whether they still stand for what is asked."""
        if not len(self):
            return not requests
        much = unlike > UNLIKE and unlike > 1.5 * self.unlike
        return requests < GROWTH * self.requests and not much


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """Requests with a vector, whose it is, and their episodes; ids ascend."""

    ids: Ids
    sources: Ids
    episodes: Counts
    intents: Sequence[str | None]  # where they are

    def __len__(self) -> int:
        return len(self.ids)


class Clustered(msgspec.Struct, frozen=True, kw_only=True):
    """All requests anew."""

    requests: Requests
    middles: Vectors
    near: Nearest
    succession: Succession

    @property
    def unlike(self) -> float:
        """Share of the episodes that are near to none."""
        alone = self.near.places < 0
        return float(self.requests.episodes[alone].sum() / self.requests.episodes.sum())


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
            requests=rows["requests"][0].as_py() if len(rows) else 0,
            unlike=rows["unlike"][0].as_py() if len(rows) else 0.0,
        )

    def requests(self, sql: str) -> Requests:
        rows = self._lake.table(_sql(sql), self._where)
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

    def count(self) -> int:
        """Different requests of the project's episodes."""
        [(count,)] = self._lake.sql(_sql("count_requests"), self._where).fetchall()
        return int(count)

    def waiting(self) -> tuple[int, int]:
        """Episodes that are in no intent, and all that ask something."""
        [(waiting, every)] = self._lake.sql(_sql("waiting_episodes"), self._where).fetchall()
        return int(waiting), int(every)

    def unlike(self) -> float:
        """Share of the episodes that are in no intent."""
        waiting, every = self.waiting()
        return waiting / max(every, 1)

    def joined(self, waiting: Requests, standing: Standing, told: Progress) -> int:
        """Put requests into the intents that stand; how many were near enough."""
        done = 0
        for start, near in self._near(waiting, standing.middles):
            rows = _rows(waiting.ids[start : start + len(near.places)], near, standing.ids)
            self._lake.write(lambda tx: self._settle(tx, rows, anew=False))  # noqa: B023
            done += len(rows)
            told(start + len(near.places), len(waiting))
        return done

    def clustered(self) -> Clustered | None:
        """None where no request has a vector."""
        every = self.requests("requests")
        if not len(every):
            return None
        sources, first = np.unique(every.sources, return_inverse=True)
        episodes = np.bincount(first, weights=every.episodes, minlength=len(sources))
        some = sources[_spread(len(sources), cluster.SAMPLE)]
        _, vectors = shelf.vectors(self._lake, self._project, self._recipe, some)
        weights = episodes.astype(np.int64)[np.searchsorted(sources, some)]
        middles = cluster.middles(vectors, weights)
        parts = [near for _, near in self._near(every, middles)]
        near = Nearest(
            places=np.concatenate([part.places for part in parts]),
            cosines=np.concatenate([part.cosines for part in parts]),
        )
        return Clustered(
            requests=every,
            middles=middles,
            near=near,
            succession=succession(every.intents, near.places, every.episodes, len(middles)),
        )

    def write(self, found: Clustered, namer: Namer | None) -> None:
        """All of it in one transaction: nobody sees new intents beside old clusters."""
        fresh = self._named(found, namer)
        kept = found.succession.kept
        ids = [kept[at] if at in kept else fresh[at].intent_id for at in range(len(found.middles))]
        rows = _rows(found.requests.ids, found.near, ids)

        def write(tx: Transaction) -> None:
            tx.run(_sql("forget_centroids"), self._where)
            tx.append_columns("centroids", self._centroids(found, ids))
            tx.append("intents", [self._row(name) for name in fresh.values()])
            self._settle(tx, rows, anew=True)
            self._log(tx, found.succession, ids)

        self._lake.write(write)

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

    def _named(self, found: Clustered, namer: Namer | None) -> dict[int, Name]:
        taken = self._lake.table(_sql("names_taken"), self._where)["name"].to_pylist()
        wanted = [at for at in range(len(found.middles)) if at not in found.succession.kept]
        return names(self._read(found), wanted, taken, namer)

    def _read(self, found: Clustered) -> list[list[str]]:
        """Requests of each intent, the nearest to its middle first."""
        chosen = [_closest(found, at) for at in range(len(found.middles))]
        units = np.unique(np.concatenate(chosen or [np.empty(0, dtype=np.int64)]))
        _, texts = shelf.texts(self._lake, self._project, units)
        text_of = dict(zip(units.tolist(), texts, strict=True))
        return [[text_of[one] for one in some.tolist()] for some in chosen]

    def _centroids(self, found: Clustered, ids: Sequence[str]) -> pa.Table:
        count = len(ids)
        return pa.table(
            {
                "project": pa.array([self._project] * count, pa.string()),
                "model": pa.array([self._recipe] * count, pa.string()),
                "intent_id": pa.array(ids, pa.string()),
                "vector": pa.array(list(found.middles), pa.list_(pa.float32())),
                "requests": pa.array([len(found.requests)] * count, pa.int64()),
                "unlike": pa.array([found.unlike] * count, pa.float64()),
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

    def _settle(self, tx: Transaction, rows: pa.Table, *, anew: bool) -> None:
        sql = "clusters_anew" if anew else "clusters_joined"
        wanted = tx.table(_sql(sql), self._where, {"placed": rows})
        within = {"project": self._project, "method": METHOD}
        tx.settle("clusters", wanted, on=KEY, within=within, gone=anew)

    def _log(self, tx: Transaction, found: Succession, ids: Sequence[str]) -> None:
        """Intents that went into others."""
        gone = sorted(found.gone.items())
        if gone:
            rows = {"old": [old for old, _ in gone], "new": [ids[at] for _, at in gone]}
            given = {**self._where, "at": self._now}
            tx.run(_sql("log_merges"), given, {"merged": pa.table(rows)})


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


def _closest(found: Clustered, at: int) -> Ids:
    """The requests of an intent that are nearest to its middle, each text once."""
    mine = np.flatnonzero(found.near.places == at)
    order = np.argsort(-found.near.cosines[mine], kind="stable")
    _, first = np.unique(found.requests.sources[mine[order]], return_index=True)
    return found.requests.sources[mine[order]][np.sort(first)][:READ]


def _spread(count: int, most: int) -> Ids:
    """So many of a range, evenly."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(np.int64))


def _sql(name: str) -> str:
    return statements("headrace.curate", "intent.sql")[name]
