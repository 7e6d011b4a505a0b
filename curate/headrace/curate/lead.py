"""Gathers requests of one meaning that were answered by the same steps, behind the oldest one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import msgspec
import numpy as np
import pyarrow as pa

from headrace.curate import ledger
from headrace.curate.near.label import Ids
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.effect import Effects
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.semantic.leader import Cosines, Leaders, Requests
from headrace.curate.semantic.shelf import Kin
from headrace.curate.step import StepResult
from headrace.lake.message import Body
from headrace.lake.statement import statements
from headrace.lake.store import Lake

STEP = "lead"
METHOD = "semantic"
CHUNK = 100_000  # requests of a transaction


def lead(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    told: Progress = silent,
    encoder: Encoder | None = None,
) -> StepResult:
    """Write `leaders` and the clusters `semantic`.

    A request is led only by one with the same skeleton, a cosine of .7 and no opposite in its
    words; a skeleton without a call that changes something shows no intent, and nobody is led by
    it. A row is its own mark that a request is done; one without a vector waits.
    """
    encoder = encoder or Encoder.of(lake.settings)
    room = Room(lake, project, encoder.recipe)
    fresh = room.fresh()
    done = led = 0
    for part in fresh:
        found = room.joined(part)
        lake.write(lambda tx: tx.append_columns("leaders", found))  # noqa: B023
        done += len(part)
        led += len(found) - found["leader_id"].null_count
        told(done, len(fresh))
    written = room.settle()
    return StepResult(
        step=STEP,
        seen=done,
        kept=done,
        dropped={},
        notes={"clusters": written, "showing_no_intent": done - led},
    )


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """Requests and the skeletons that answered them, in the order of arrival."""

    requests: Ids
    skeletons: Ids

    def __len__(self) -> int:
        return len(self.requests)

    def at(self, rows: Ids) -> "Pairs":
        return Pairs(requests=self.requests[rows], skeletons=self.skeletons[rows])


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs without a leader, to be taken skeleton by skeleton, so many at a time."""

    pairs: Pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pairs]:
        ordered = np.argsort(self.pairs.skeletons, kind="stable")
        for start in range(0, len(ordered), CHUNK):
            yield self.pairs.at(ordered[start : start + CHUNK])


class Room:
    """The requests of a project under one recipe."""

    def __init__(self, lake: Lake, project: str, recipe: str) -> None:
        self._lake = lake
        self._project = project
        self._recipe = recipe
        self._kin = Kin.of(lake, project)
        self._given = {"project": project, "recipe": recipe}

    def fresh(self) -> Fresh:
        found = self._lake.table(_sql("fresh_pairs"), self._given)
        return Fresh(pairs=self._known(_pairs(found)))

    def joined(self, pairs: Pairs) -> pa.Table:
        """Rows of `leaders` for pairs that are sorted by skeleton."""
        leaders = np.zeros(len(pairs), dtype=np.int64)
        cosines = np.zeros(len(pairs))
        shown = self._showing(pairs)
        for rows, (ids, near) in self._led(pairs, np.flatnonzero(shown)):
            leaders[rows], cosines[rows] = ids, near
        return pa.table(
            {
                "project": pa.array([self._project] * len(pairs)),
                "model": pa.array([self._recipe] * len(pairs)),
                "unit_id": pairs.requests,
                "skeleton_id": pairs.skeletons,
                "leader_id": pa.array(leaders, mask=~shown),
                "cosine": pa.array(cosines, mask=~shown),
            }
        )

    def settle(self) -> int:
        """Bring the clusters of episodes to what leads today; how many there are."""
        rows = self._lake.table(_sql("semantic_clusters"), self._given)
        self._lake.write(lambda tx: ledger.gathered(tx, self._project, METHOD, rows))
        return len(rows["cluster_id"].unique())

    def _known(self, pairs: Pairs) -> Pairs:
        """Those whose requests have a vector."""
        sources = self._kin.source(pairs.requests)
        lacking = shelf.missing(self._lake, self._project, self._recipe, sources)
        return pairs.at(np.flatnonzero(~np.isin(sources, lacking)))

    def _showing(self, pairs: Pairs) -> np.ndarray:
        """Which pairs have a skeleton that shows an intent."""
        ids, texts = self._texts(np.unique(pairs.skeletons))
        effects = Effects.of(self._lake.settings, self._project, self._tools(pairs))
        shows = np.array([effects.changing(text) for text in texts], dtype=bool)
        found: np.ndarray = shows[np.searchsorted(ids, pairs.skeletons)]
        return found

    def _tools(self, pairs: Pairs) -> list[Body]:
        """Definitions that say what they do, from the contexts of these episodes."""
        wanted = pa.table({"unit_id": pairs.requests, "skeleton_id": pairs.skeletons})
        given = {"project": self._project}
        rows = self._lake.table(_sql("telling_tools"), given, {"wanted": wanted})
        return [tool for text in rows["tools"].to_pylist() for tool in msgspec.json.decode(text)]

    def _led(self, pairs: Pairs, rows: Ids) -> Iterator[tuple[Ids, tuple[Ids, Cosines]]]:
        standing = self._standing(np.unique(pairs.skeletons[rows]))
        read = self._reader(np.concatenate((pairs.requests[rows], standing.requests)))
        for skeleton, group in groupby(rows.tolist(), key=lambda row: int(pairs.skeletons[row])):
            mine = np.array(list(group))
            before = standing.requests[standing.skeletons == skeleton]
            yield mine, Leaders(read(before)).join(read(pairs.requests[mine]))

    def _standing(self, skeletons: Ids) -> Pairs:
        wanted = {"wanted": pa.table({"skeleton_id": skeletons})}
        return _pairs(self._lake.table(_sql("standing_leaders"), self._given, wanted))

    def _reader(self, units: Ids) -> "Reader":
        ids, texts = self._texts(np.unique(units))
        sources, rows = shelf.vectors(
            self._lake, self._project, self._recipe, np.unique(self._kin.source(ids))
        )
        places = np.searchsorted(sources, self._kin.source(ids))
        return Reader(self._recipe, ids, texts, rows, places)

    def _texts(self, units: Ids) -> tuple[Ids, Sequence[str]]:
        return units, shelf.texts(self._lake, self._project, units)[1]


class Reader:
    """Requests by unit id, out of what was read for a chunk."""

    def __init__(
        self, recipe: str, ids: Ids, texts: Sequence[str], rows: np.ndarray, places: Ids
    ) -> None:
        self._recipe, self._ids, self._texts = recipe, ids, texts
        self._rows, self._places = rows, places

    def __call__(self, units: Ids) -> Requests:
        at = np.searchsorted(self._ids, units)
        return Requests(
            recipe=self._recipe,
            ids=units,
            texts=[self._texts[i] for i in at.tolist()],
            vectors=self._rows[self._places[at]],
        )


def _pairs(rows: pa.Table) -> Pairs:
    columns: Mapping[str, Ids] = {
        name: np.asarray(rows[name], dtype=np.int64) for name in ("unit_id", "skeleton_id")
    }
    return Pairs(requests=columns["unit_id"], skeletons=columns["skeleton_id"])


def _sql(name: str) -> str:
    return statements("headrace.curate", "lead.sql")[name]
