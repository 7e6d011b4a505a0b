"""Requests that say what a case says in other words, found by vectors and by what vectors miss."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.curate.frame import arrow, utc
from headrace.curate.near.label import Ids
from headrace.curate.near.textunit import TextUnit
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.encoder import Encoder, Vectors
from headrace.curate.semantic.shelf import Kin
from headrace.curate.wall.agreement import FLOOR, Agreement, is_latin
from headrace.curate.wall.item import Item
from headrace.lake.record import Done
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "agree"
AGREE = "agree/1 "  # before the recipe; together the version of what was found
CHUNK = 5_000  # requests whose texts are held at once
VECTORS = 100_000  # of requests that are held against new cases at once
MARK = "units"  # up to which unit requests were held against the cases
JUDGED = 200  # pairs that a judge is asked about in one night
ASKED_AT_ONCE = 20


class Judge(Protocol):
    """Says whether requests ask the same; kept with its name, and asked once for a pair."""

    @property
    def judge_hash(self) -> str: ...

    def same(self, pairs: Sequence[tuple[str, str]]) -> Sequence[bool | None]:
        """Of each case and request; None: it could not tell."""
        ...


class Meaning:
    """The cases of a project against its requests, under one recipe of vectors."""

    def __init__(self, lake: Lake, project: str, items: Sequence[Item], encoder: Encoder) -> None:
        self._lake = lake
        self._project = project
        self._items = [item for item in items if item.shape]
        self._recipe = encoder.recipe
        vectors = self._cases(encoder)
        self._vectors = vectors
        self._agreement = Agreement([item.asked for item in self._items], vectors)
        self._kin = Kin.of(lake, project)

    @property
    def version(self) -> str:
        return AGREE + self._recipe

    def look(self, fresh: Sequence[Item], now: datetime, told: Progress = silent) -> int:
        """Write the agreements of new requests with all cases, of stored ones with new cases.

        How many requests were looked at.
        """
        if not self._items:
            return 0
        mark = self._mark()
        units = shelf.asked(self._lake, self._project)
        stored, new = units[units <= mark], units[units > mark]
        names = {item.case_id for item in fresh}
        if names and len(stored):
            self._write(self.found(self._touched(stored, names), names), now)
        for start in range(0, len(new), CHUNK):
            part = new[start : start + CHUNK]
            self._write(self.found(part), now, upto=int(part[-1]))
            told(start + len(part), len(new))
        return len(new)

    def every(self) -> pl.DataFrame:
        """The agreements of all requests of the project."""
        return self.found(shelf.asked(self._lake, self._project))

    def found(self, units: Ids, names: set[str] | None = None) -> pl.DataFrame:
        """The case that each of these requests may say, if there is one, among those named."""
        parts = [self._found(units[start : start + CHUNK]) for start in range(0, len(units), CHUNK)]
        rows = pl.concat([*parts, pl.DataFrame(schema=AGREEMENT)])
        return rows if names is None else rows.filter(pl.col("case_id").is_in(names))

    def judge(self, judge: Judge) -> int:
        """Ask about requests that only may say the same, the most alike first; how many.

        A judge that answers nothing of what it is asked at once is asked no more.
        """
        rows = agreements(self._lake, self._project, self._items)
        open_ = rows.filter((pl.col("rule") == "similar") & pl.col("judged").is_null())
        asked = open_.sort("total", "unit_id", descending=[True, False]).head(JUDGED)
        done = 0
        for start in range(0, len(asked), ASKED_AT_ONCE):
            part = asked.slice(start, ASKED_AT_ONCE)
            done += len(part)
            if not self._judged(judge, part):
                break
        return done

    def _judged(self, judge: Judge, rows: pl.DataFrame) -> int:
        """How many were answered."""
        cases = {item.case_id: item.asked for item in self._items}
        units = np.unique(rows["unit_id"].to_numpy())
        texts = dict(zip(units.tolist(), self._texts(units), strict=True))
        said = judge.same(
            [
                (cases[case], texts[unit])
                for unit, case in rows.select("unit_id", "case_id").iter_rows()
            ]
        )
        verdicts = rows.select("unit_id", "case_id", judged=pl.Series(said, dtype=pl.Boolean))
        table = arrow(verdicts.drop_nulls())
        given = {"project": self._project, "judge": judge.judge_hash}
        if len(table):
            sql = _sql("judge_agreements")
            self._lake.write(lambda tx: tx.run(sql, given, {"verdicts": table}))
        return len(table)

    def _found(self, units: Ids) -> pl.DataFrame:
        ids, vectors = self._of(units)
        if not len(ids):
            return pl.DataFrame(schema=AGREEMENT)
        texts = self._texts(ids)
        best = self._agreement.best(texts, vectors)
        latin = np.array([is_latin(item.asked) for item in self._items])
        foreign = np.array([is_latin(text) for text in texts]) != latin[best.item]
        kept = np.flatnonzero(best.alike(foreign) | best.sure)
        names = np.array([item.case_id for item in self._items])
        return pl.DataFrame(
            {
                "unit_id": ids[kept],
                "case_id": names[best.item[kept]],
                "cosine": best.cosine[kept],
                "total": best.total[kept],
                "lead": best.lead[kept],
                "rule": np.where(best.sure[kept], "semantic", "similar"),
            },
            schema=AGREEMENT,
        )

    def _of(self, units: Ids) -> tuple[Ids, Vectors]:
        """Requests that have a vector, or whose near duplicate has, with it."""
        sources = self._kin.source(units)
        ids, vectors = shelf.vectors(self._lake, self._project, self._recipe, np.unique(sources))
        known = np.isin(sources, ids)
        if not known.any():
            return units[:0], np.empty((0, 0), dtype=np.float32)
        return units[known], vectors[np.searchsorted(ids, sources[known])]

    def _texts(self, units: Ids) -> list[str]:
        wanted = {"wanted": pa.table({"unit_id": units})}
        given = {"project": self._project}
        found = self._lake.table(_sql("requests_of_units"), given, wanted)
        texts: list[str] = found["text"].to_pylist()
        return texts

    def _touched(self, units: Ids, names: set[str]) -> Ids:
        """Stored requests near enough to a new case to be looked at again."""
        mine = np.array([item.case_id in names for item in self._items])
        latin = np.array([is_latin(item.asked) for item in self._items])[mine]
        found = []
        for start in range(0, len(units), VECTORS):
            ids, vectors = self._of(units[start : start + VECTORS])
            if len(ids):
                near = vectors @ self._vectors[mine].T >= FLOOR
                texts = shelf.texts(self._lake, self._project, ids)[1]
                other = np.array([is_latin(text) for text in texts])[:, None] != latin
                found.append(ids[(near | other).any(axis=1)])
        return np.concatenate([*found, units[:0]])

    def _mark(self) -> int:
        told = {"step": STEP, "version": self.version, "prefix": MARK}
        rows = self._lake.rows(_sql("looked_at"), {"project": self._project, **told})
        return max((row["revision"] for row in rows), default=-1)

    def _write(self, found: pl.DataFrame, now: datetime, upto: int | None = None) -> None:
        dated = found.with_columns(
            project=pl.lit(self._project), model=pl.lit(self._recipe), at=utc(now)
        )
        rows = arrow(dated)
        told = {"project": self._project, "step": STEP, "version": self.version, "key": MARK}

        def write(tx: Transaction) -> None:
            if len(rows):
                tx.run(_sql("add_agreements"), {"project": self._project}, {"found": rows})
            if upto is not None:
                where = {name: told[name] for name in ("project", "step", "key")}
                tx.run(_sql("forget_mark"), where)
                tx.append("done", [Done(**told, revision=upto)])

        self._lake.write(write)

    def _cases(self, encoder: Encoder) -> Vectors:
        """The vectors of the cases; those that are new are kept with those of requests."""
        units = [TextUnit(kind="request", text=item.shape) for item in self._items]
        texts = {one.text_hash: one.text for one in units}
        known = self._stored(list(texts))
        missing = [name for name in texts if name not in known]
        if missing:
            rows = encoder.encode([texts[name] for name in missing])
            self._lake.write(lambda tx: shelf.store(tx, self._recipe, missing, rows))
            known = {**known, **dict(zip(missing, rows, strict=True))}
        if not units:
            return np.empty((0, 0), dtype=np.float32)
        return np.stack([known[one.text_hash] for one in units]).astype(np.float32)

    def _stored(self, hashes: Sequence[str]) -> Mapping[str, Vectors]:
        wanted = {"wanted": pa.table({"text_hash": pa.array(hashes, pa.string())})}
        found = self._lake.table(_sql("vectors_of_texts"), {"recipe": self._recipe}, wanted)
        names, rows = found["text_hash"].to_pylist(), found["vector"].to_pylist()
        return {name: np.array(row, np.float32) for name, row in zip(names, rows, strict=True)}


AGREEMENT = pl.Schema(
    {
        "unit_id": pl.Int64(),
        "case_id": pl.String(),
        "cosine": pl.Float64(),
        "total": pl.Float64(),
        "lead": pl.Float64(),
        "rule": pl.String(),
    }
)


def agreements(lake: Lake, project: str, items: Sequence[Item]) -> pl.DataFrame:
    """What is stored of these cases, by the recipe of vectors that is in use."""
    live = pa.table({"case_id": pa.array([item.case_id for item in items], pa.string())})
    given = {"project": project, "step": STEP, "key": MARK, "agree": AGREE}
    return pl.DataFrame(lake.table(_sql("agreements"), given, {"live": live}))


def any_vectors(lake: Lake) -> bool:
    """Whether texts were ever embedded: without, no model need be there."""
    return bool(lake.rows(_sql("any_vectors")))


def _sql(name: str) -> str:
    return statements("headrace.curate.wall", "wall.sql")[name]
