"""Keeps what could give an eval case away out of training; the suite comes first.

Both ways: new episodes are held against all cases, and new cases against all episodes. What was
exported before the case came is burned, and told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa

from headrace.curate import ledger, unit
from headrace.curate.frame import arrow, utc
from headrace.curate.near.mask import MASK
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.step import StepResult
from headrace.curate.wall import evidence, meaning
from headrace.curate.wall.item import Item, Items
from headrace.curate.wall.meaning import Judge, Meaning
from headrace.curate.wall.repeat import OVERLAP, Repeats
from headrace.lake.project import settings_of
from headrace.lake.record import Case, Done
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "decontaminate"
VERSION = f"decontaminate/2 {unit.NORM} {MASK}"
CLEAN, EVAL_SPLIT = "clean", "eval_split"


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that gives a case away."""

    episode_id: str
    case_id: str
    rule: str  # exact, group, near, ngram, semantic, judged, similar
    similarity: float | None  # to the case, 0 to 1

    @property
    def reason(self) -> str:
        return f"contaminated:{self.rule}"


class Burned(msgspec.Struct, frozen=True, kw_only=True):
    """A case that a model may have been trained on."""

    case_id: str
    dataset: str
    versions: int  # of the data set that give it away
    episodes: int
    episode_id: str  # the first of them
    rule: str


def decontaminate(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    told: Progress = silent,
    encoder: Encoder | None = None,
    judge: Judge | None = None,
) -> StepResult:
    """Decide for every episode whether it may be trained on, against all cases in use.

    Reads the texts of new episodes, and of stored ones where a case is new. Requests that may say
    the same in other words go to the `judge`; without one the setting `hold_similar` keeps them
    back, of cases that the team brought. Raises EmbeddingModelError where requests were embedded by
    a model that is there no longer.
    """
    suite = _Suite(lake, project)
    suite.look_back(now, encoder)
    suite.look_forward(now, encoder, told)
    if judge is not None:
        suite.judge(judge, encoder)
    standing = suite.standing
    hits = suite.hits(standing)
    decided = _decided(standing, suite.looked(), hits)
    lake.write(lambda tx: _settle(tx, project, hits, decided, now))
    return _result(lake, project, suite, hits)


def leaks(lake: Lake, project: str, episode_ids: Collection[str]) -> list[Leak]:
    """What is wrong with episodes about to be exported, read anew without trusting a decision."""
    suite = _Suite(lake, project)
    if not suite.items or not episode_ids:
        return []
    asked = pl.Series("episode_id", sorted(set(episode_ids)), dtype=pl.String)
    standing = suite.standing
    known = suite.stored_overlaps().filter(~pl.col("episode_id").is_in(asked.implode()))
    fresh = suite.overlaps_of(suite.every(asked))
    overlaps = pl.concat([known, fresh])
    found = suite.found(standing, overlaps, suite.agreements(), hold=suite.hold)
    return _leaks(found.filter(pl.col("episode_id").is_in(asked.implode())))


def given_away(
    lake: Lake, project: str, cases: Iterable[Case], encoder: Encoder | None = None
) -> list[Leak]:
    """The episodes that give away these cases, which the lake need not have yet.

    One that only may say the same is not among them.
    """
    suite = _Suite(lake, project, [msgspec.structs.asdict(case) for case in cases])
    if not suite.items:
        return []
    fresh = suite.overlaps_of(suite.every())
    return _leaks(suite.found(suite.standing, fresh, suite.meant(encoder), hold=False))


def burned(lake: Lake, project: str) -> list[Burned]:
    """The cases that exported data sets gave away, as of the last night."""
    return [Burned(**row) for row in lake.rows(_sql("burned"), {"project": project})]


class _Suite:
    """The cases in use, or those given, and what the lake knows of them."""

    def __init__(
        self, lake: Lake, project: str, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        self._lake = lake
        self._where = {"project": project}
        self._project = project
        given = lake.rows(_sql("live_cases"), self._where) if rows is None else rows
        self._cases = Items.of(lake, project, given)
        self.items = self._cases.items
        self._meaning: Meaning | None = None

    @property
    def hold(self) -> bool:
        return settings_of(self._lake.settings, self._project).hold_similar

    @property
    def standing(self) -> pl.DataFrame:
        return evidence.episodes(self._lake, self._project)

    def look_back(self, now: datetime, encoder: Encoder | None) -> None:
        """Hold cases that are new against episodes that were looked at before."""
        fresh = self._fresh()
        self._agree(fresh, now, encoder)
        if not fresh:
            return
        repeats = Repeats(self._lake, fresh)
        parts = [found for _, found in repeats.slices(self._stored(every=False))]
        rows = pl.concat([*parts, pl.DataFrame(schema=OVERLAP)])
        marks = [self._done(item.key) for item in fresh]

        def write(tx: Transaction) -> None:
            tx.run(_sql("forget_cases"), self._where, evidence.tables(fresh))
            _append(tx, self._project, rows)
            tx.append("done", marks)

        self._lake.write(write)

    def look_forward(self, now: datetime, encoder: Encoder | None, told: Progress) -> None:
        """Hold episodes that are new against all cases."""
        waiting = self._waiting()
        repeats, done = Repeats(self._lake, self.items), 0
        for part, found in repeats.slices(waiting):
            self._lake.write(lambda tx: self._written(tx, part, found))  # noqa: B023
            done += len(part)
            told(done, len(waiting))

    def judge(self, judge: Judge, encoder: Encoder | None) -> None:
        if (found := self._meant(encoder)) is not None:
            found.judge(judge)

    def looked(self) -> pl.DataFrame:
        """The episodes that were held against all cases, in the revision that stands."""
        return pl.DataFrame(self._stored(every=False)).select("episode_id")

    def hits(self, standing: pl.DataFrame) -> pl.DataFrame:
        overlaps, agreements = self.stored_overlaps(), self.agreements()
        return self.found(standing, overlaps, agreements, hold=self.hold)

    def found(
        self,
        standing: pl.DataFrame,
        overlaps: pl.DataFrame,
        agreements: pl.DataFrame,
        *,
        hold: bool,
    ) -> pl.DataFrame:
        return evidence.hits(
            self._lake, self._project, self.items, standing, overlaps, agreements, hold=hold
        )

    def stored_overlaps(self) -> pl.DataFrame:
        live = evidence.tables(self.items)
        return pl.DataFrame(self._lake.table(_sql("overlaps"), self._where, live)).cast(OVERLAP)

    def agreements(self) -> pl.DataFrame:
        return meaning.agreements(self._lake, self._project, self.items)

    def meant(self, encoder: Encoder | None) -> pl.DataFrame:
        """The agreements of all stored requests, without writing any."""
        found = self._meant(encoder)
        if found is None:
            return self.agreements().clear()
        return (
            found.every()
            .with_columns(judged=pl.lit(None, pl.Boolean))
            .select(self.agreements().columns)
        )

    def overlaps_of(self, episodes: pa.Table) -> pl.DataFrame:
        parts = [found for _, found in Repeats(self._lake, self.items).slices(episodes)]
        return pl.concat([*parts, pl.DataFrame(schema=OVERLAP)])

    def every(self, names: pl.Series | None = None) -> pa.Table:
        """The scrubbed episodes; only those named, where names are given."""
        rows = self._stored(every=True)
        if names is None:
            return rows
        frame = pl.DataFrame(rows).filter(pl.col("episode_id").is_in(names.implode()))
        return arrow(frame)

    def _agree(self, fresh: Sequence[Item], now: datetime, encoder: Encoder | None) -> None:
        if self.items and (found := self._meant(encoder)) is not None:
            found.look(fresh, now)

    def _meant(self, encoder: Encoder | None) -> Meaning | None:
        """None where no request of the lake was ever embedded."""
        if self._meaning is None and meaning.any_vectors(self._lake):
            told = encoder or Encoder.of(self._lake.settings)
            self._meaning = Meaning(self._lake, self._project, self.items, told)
        return self._meaning

    def _fresh(self) -> list[Item]:
        told = {**self._where, "step": STEP, "version": VERSION, "prefix": "case:"}
        return self._cases.fresh(row["key"] for row in self._lake.rows(_sql("looked_at"), told))

    def _stored(self, *, every: bool) -> pa.Table:
        told = {**self._where, "step": STEP, "version": VERSION, "every": every}
        return self._lake.table(_sql("stored"), told)

    def _waiting(self) -> pa.Table:
        told = {**self._where, "step": STEP, "version": VERSION, "scrubbed": True}
        sql = statements("headrace.curate", "backlog.sql")["waiting"]
        return self._lake.table(sql, told)

    def _written(self, tx: Transaction, part: pa.Table, found: pl.DataFrame) -> None:
        tx.run(_sql("forget_overlaps"), self._where, {"told": part.select(["episode_id"])})
        _append(tx, self._project, found)
        names, revisions = part["episode_id"].to_pylist(), part["revision"].to_pylist()
        pairs = zip(names, revisions, strict=True)
        tx.append("done", [self._done(name, revision) for name, revision in pairs])

    def _done(self, key: str, revision: int | None = None) -> Done:
        return Done(project=self._project, step=STEP, version=VERSION, key=key, revision=revision)


def _append(tx: Transaction, project: str, overlaps: pl.DataFrame) -> None:
    tx.append_columns("eval_overlaps", arrow(overlaps.with_columns(project=pl.lit(project))))


def _leaks(found: pl.DataFrame) -> list[Leak]:
    rows = evidence.worst(found).select("episode_id", "case_id", "rule", similarity="score")
    return [Leak(**row) for row in rows.iter_rows(named=True)]


def _decided(standing: pl.DataFrame, looked: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """What is decided of episodes that were looked at; quarantined ones stay as `split` said."""
    told = standing.join(looked, on="episode_id", how="semi")
    found = told.join(evidence.worst(hits), on="episode_id", how="left")
    held_out = (pl.col("split") == "eval").fill_null(False)
    bad = pl.col("rule").is_not_null()
    return found.select(
        "episode_id",
        "revision",
        kept=~(held_out | bad),
        reason=pl.when(held_out).then(pl.lit(EVAL_SPLIT))
        .when(bad).then(pl.format("contaminated:{}", "rule")).otherwise(pl.lit(CLEAN)),
        because_of=pl.when(~held_out).then("case_id"),
        similarity=pl.when(~held_out).then("score"),
    )  # fmt: skip


def _settle(
    tx: Transaction, project: str, hits: pl.DataFrame, decided: pl.DataFrame, now: datetime
) -> None:
    at = utc(now)
    tx.settle(
        "eval_hits",
        arrow(hits.with_columns(project=pl.lit(project), at=at)),
        on=["project", "case_id", "episode_id", "rule"],
        within={"project": project},
    )
    apart = pl.DataFrame(tx.table(_sql("quarantined"), {"project": project}))
    free = decided.join(apart, on="episode_id", how="anti").with_columns(
        project=pl.lit(project), step=pl.lit(STEP), version=pl.lit(VERSION), at=at
    )
    columns = apart.columns
    wanted = pl.concat([apart, free.select(columns)], how="vertical_relaxed")
    ledger.decided(tx, project, STEP, arrow(wanted))


def _result(lake: Lake, project: str, suite: _Suite, hits: pl.DataFrame) -> StepResult:
    rows = lake.rows(_sql("reasons"), {"project": project})
    dropped = {row["reason"]: row["episodes"] for row in rows if not row["kept"]}
    kept = sum(row["episodes"] for row in rows if row["kept"])
    notes = {"cases": len(suite.items)}
    if given := hits.filter(pl.col("verdict") == evidence.BURNED)["case_id"].n_unique():
        notes["burned"] = given
    return StepResult(
        step=STEP, seen=kept + sum(dropped.values()), kept=kept, dropped=dropped, notes=notes
    )


def _sql(name: str) -> str:
    return statements("headrace.curate.wall", "wall.sql")[name]
