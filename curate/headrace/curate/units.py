"""Cuts every episode into the texts it is compared by, numbers them, and finds near duplicates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec
import numpy as np
import pyarrow as pa

from headrace.curate.backlog import Backlog, Chunk
from headrace.curate.conversation import Conversation
from headrace.curate.near import recipe, textunit
from headrace.curate.near.index import Index, Night, Signed, signatures_of
from headrace.curate.near.label import Renamed
from headrace.curate.near.minhash import Signatures
from headrace.curate.near.recipe import Recipe
from headrace.curate.near.textunit import Kind, TextUnit, Units
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.curate.workers import Workers
from headrace.lake.record import Done, EpisodeUnits, TextUnitRow
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "units"
KINDS: tuple[Kind, ...] = get_args(Kind)
KEPT: frozenset[Kind] = frozenset({"request", "skeleton"})  # kinds whose text later steps read
COMPARED: tuple[Kind, ...] = ("request", "transcript")
MEMORY_MIB = 1_000  # that DuckDB may hold; a cache of files would take what there is
BATCH = 50_000  # episodes of a transaction, each of which looks through all that stands

Role = Literal["request", "asked", "skeleton", "transcript", "context"]  # what a unit is to it
ROLES: tuple[Role, ...] = get_args(Role)
KIND: Mapping[Role, Kind] = {**{kind: kind for kind in KINDS}, "asked": "request"}
Hashes = Mapping[Role, str]


def version() -> str:
    """Of the texts and of their signatures: another one compares everything anew."""
    return f"units/1 {textunit.VERSION} {recipe.present()}"


def units(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Write `text_units` and `episode_units`, and of requests and transcripts signatures, edges and
    clusters: `near` from .65 of equal slots on, `dup` from .75.

    Only episodes that are new or have a new revision are read. A cluster is named by its oldest
    unit; a merge of clusters that were there before is logged in `cluster_events`.
    """
    backlog = Backlog.of(lake, project, step=STEP, version=version())
    workers = Workers(lake.settings.workers, len(backlog))
    total = Totals()
    with lake.within(MEMORY_MIB):
        for done, cuts in _batches(workers.over(cut_chunk, backlog)):
            total = total.plus(lake.write(lambda tx: _written(tx, project, done, cuts, now)))  # noqa: B023
            told(total.episodes, len(backlog))
    return StepResult(
        step=STEP, seen=total.episodes, kept=total.episodes, dropped={}, notes=total.notes
    )


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a night."""

    episodes: int = 0
    units: int = 0
    edges: int = 0
    templates: int = 0

    def plus(self, more: "Totals") -> "Totals":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(more), strict=True)
        names = self.__struct_fields__
        return Totals(**dict(zip(names, (one + other for one, other in pairs), strict=True)))

    @property
    def notes(self) -> dict[str, int]:
        return {"units": self.units, "edges": self.edges, "templates": self.templates}


class Cut(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The units of some episodes, in their order."""

    episodes: Sequence[tuple[str, int | None]]  # id and revision
    hashes: Sequence[Hashes]
    wordings: Sequence[Mapping[Role, str | None]]
    texts: Mapping[str, str]  # by hash, of the kinds that are kept
    signed: Mapping[Kind, Mapping[str, int]]  # by hash: row of its signature
    signatures: Mapping[Kind, Signatures]


def cut_chunk(chunk: Chunk) -> Cut:
    """Cut and sign; nothing else is read."""
    found = [(episode, _units_of(episode)) for episode in chunk]
    known: dict[Kind, dict[str, str]] = {kind: {} for kind in KINDS}
    for _, cut in found:
        for _, one in _each(cut):
            known[one.kind].setdefault(one.text_hash, one.text)
    signed = {kind: _signed(known[kind], told) for kind, told in recipes().items()}
    return Cut(
        episodes=[(episode.episode_id, episode.revision) for episode, _ in found],
        hashes=[{role: one.text_hash for role, one in _each(cut)} for _, cut in found],
        wordings=[{"request": cut.wording, "asked": cut.words} for _, cut in found],
        texts={name: text for kind in KEPT for name, text in known[kind].items()},
        signed={kind: places for kind, (places, _) in signed.items()},
        signatures={kind: rows for kind, (_, rows) in signed.items()},
    )


def _batches(
    parts: Iterable[tuple[Chunk, Sequence[Cut]]],
) -> Iterator[tuple[list[Done], list[Cut]]]:
    """Chunks together, without what was said in them."""
    done: list[Done] = []
    cuts: list[Cut] = []
    for chunk, cut in parts:
        done += chunk.done
        cuts += cut
        if len(done) >= BATCH:
            yield done, cuts
            done, cuts = [], []
    if done:
        yield done, cuts


def recipes() -> Mapping[Kind, Recipe]:
    """How each kind of text is signed that is compared by likeness."""
    return {"request": recipe.request(), "transcript": recipe.transcript()}


def _units_of(episode: Conversation) -> Units:
    """The task is that of the whole run; a sub-agent in it was asked something of its own."""
    task = episode.task if episode.parent_episode_id is None else None
    return Units.of(episode.messages, episode.trainable, episode.tools, task)


def _each(cut: Units) -> Iterator[tuple[Role, TextUnit]]:
    for role in ROLES:
        one = getattr(cut, role)
        if one is not None:
            yield role, one


def _signed(texts: Mapping[str, str], told: Recipe) -> tuple[dict[str, int], Signatures]:
    names = list(texts)
    long, signatures = signatures_of(list(texts.values()), told)
    return {names[at]: row for row, at in enumerate(long)}, signatures


def _written(
    tx: Transaction, project: str, done: Sequence[Done], cuts: Sequence[Cut], now: datetime
) -> Totals:
    numbered = Numbers(tx, project, cuts)
    tx.append("text_units", list(numbered.fresh_rows(now)))
    rows = numbered.episode_rows
    told = pa.table({"episode_id": [row.episode_id for row in rows]})
    tx.run(_sql("forget_episodes"), {"project": project}, {"told": told})
    tx.append("episode_units", rows)
    nights = [_compared(tx, project, kind, numbered.signed(kind), now) for kind in COMPARED]
    tx.append("done", done)
    return Totals(
        episodes=len(rows),
        units=len(numbered.fresh),
        edges=sum(len(night.edges) for night in nights),
        templates=sum(len(night.templates) for night in nights),
    )


class Numbers:
    """The unit ids of some episodes: those that stand, and new ones in the order of arrival."""

    def __init__(self, tx: Transaction, project: str, cuts: Sequence[Cut]) -> None:
        self._project = project
        self._cuts = cuts
        self._ids = _known(tx, project, "known_units", "text_hash", _hashes(cuts))
        self._wordings = _known(tx, project, "known_wordings", "wording", _wordings(cuts))
        [(self._next,)] = tx.run(_sql("next_unit"), {"project": project})
        self.fresh: list[tuple[int, Kind, str, str]] = []  # id, kind, hash, first episode
        self.episode_rows = [row for cut in cuts for row in self._rows(cut)]

    def fresh_rows(self, now: datetime) -> Iterator[TextUnitRow]:
        texts = {name: text for cut in self._cuts for name, text in cut.texts.items()}
        for number, kind, name, episode in self.fresh:
            yield TextUnitRow(
                project=self._project,
                unit_id=number,
                kind=kind,
                text_hash=name,
                version=textunit.VERSION,
                text=texts.get(name),
                episode_id=episode,
                at=now,
            )

    def signed(self, kind: Kind) -> Signed:
        """The new units of a kind that are long enough to be signed."""
        places = {
            name: (cut.signatures[kind], row)
            for cut in reversed(self._cuts)
            for name, row in cut.signed[kind].items()
        }
        found = [(number, *places[name]) for number, of, name, _ in self.fresh if of == kind
                 and name in places]  # fmt: skip
        slots = recipes()[kind].slots
        rows = [signatures[row] for _, signatures, row in found]
        return Signed(
            ids=np.array([number for number, *_ in found], dtype=np.int64),
            signatures=np.array(rows, dtype=np.uint32).reshape(len(found), slots),
        )

    def _rows(self, cut: Cut) -> Iterator[EpisodeUnits]:
        told = zip(cut.episodes, cut.hashes, cut.wordings, strict=True)
        for (episode, revision), hashes, wordings in told:
            ids = {
                role: self._id(role, hashes.get(role), episode, wordings.get(role))
                for role in ROLES
            }
            yield EpisodeUnits(
                project=self._project,
                episode_id=episode,
                revision=revision or 1,
                wording=wordings["request"],
                words=wordings["asked"],
                **ids,
            )

    def _id(self, role: Role, name: str | None, episode: str, wording: str | None) -> int | None:
        """A wording keeps the unit that it was at first: masks hold the values of one run, and two
        runs of one request may call with different ones, above all where one of them failed."""
        if name is None or wording is None:
            return None if name is None else self._numbered(KIND[role], name, episode)
        if wording not in self._wordings:
            self._wordings[wording] = self._numbered(KIND[role], name, episode)
        return self._wordings[wording]

    def _numbered(self, kind: Kind, name: str, episode: str) -> int:
        if name not in self._ids:
            self._ids[name] = self._next
            self.fresh.append((self._next, kind, name, episode))
            self._next += 1
        return self._ids[name]


def _known(
    tx: Transaction, project: str, sql: str, column: str, wanted: Iterable[str]
) -> dict[str, int]:
    given = {"wanted": pa.table({column: pa.array(sorted(set(wanted)), pa.string())})}
    found = tx.table(_sql(sql), {"project": project}, given)
    return dict(zip(found[column].to_pylist(), found["unit_id"].to_pylist(), strict=True))


def _hashes(cuts: Iterable[Cut]) -> Iterator[str]:
    for cut in cuts:
        for hashes in cut.hashes:
            yield from hashes.values()


def _wordings(cuts: Iterable[Cut]) -> Iterator[str]:
    for cut in cuts:
        for wordings in cut.wordings:
            yield from (wording for wording in wordings.values() if wording is not None)


def _compared(tx: Transaction, project: str, kind: Kind, new: Signed, now: datetime) -> Night:
    night = Index(recipes()[kind], tx, project).add(new, now)
    for method, renamed in night.renamed.items():
        _log(tx, project, method, renamed, now)
    return night


def _log(tx: Transaction, project: str, method: str, renamed: Renamed, now: datetime) -> None:
    if len(renamed.old):
        given = {"project": project, "method": method, "at": now}
        told = pa.table({"old": renamed.old, "new": renamed.new})
        tx.run(_sql("log_merges"), given, {"renamed": told})


def _sql(name: str) -> str:
    return statements("headrace.curate", "units.sql")[name]
