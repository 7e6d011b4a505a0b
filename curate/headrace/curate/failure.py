"""Why episodes failed, in groups: by the first tool that failed, else by what was said last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate.conversation import decoded
from headrace.curate.errors import EmbeddingModelError
from headrace.curate.labels.kind import Vectors, gather, last_word
from headrace.curate.labels.signature import of_skeleton
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.step import StepResult
from headrace.lake.message import digest, dump
from headrace.lake.record import Done
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "diagnose"
NAME = "failure_reason"
SIGNATURE = "signature"
CLUSTER = "cluster"
VERSION = "kind/1"
NO_REASON = "no reason found"
NIGHTLY = 2_000  # failures that are read by their last words, some 40 CPU-seconds of vectors
MOST = 20


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one kind."""

    reason: str
    source: str
    episodes: int
    share: float  # of all failures that have a reason
    example: str  # episode id


def diagnose(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    told: Progress = silent,
    encoder: Encoder | None = None,
) -> StepResult:
    """Write `labels` named `failure_reason`: of each failed episode its signature if it has one.

    Others are gathered by the vector of what was said last, a draw of `NIGHTLY` at most each night;
    where there is no embedding model they stay without a reason. An episode that is no failure any
    more loses its reason.
    """
    failed = lake.table(_sql("failed_episodes"), {"project": project})
    told(1, 3)
    signed = _signed(lake, project, failed, now)
    reading = _Reading(lake, project, encoder, failed, signed)
    found = reading.found(now)
    told(2, 3)

    def write(tx: Transaction) -> None:
        within = {"project": project, "name": NAME, "source": SIGNATURE}
        tx.settle("labels", signed, on=["project", "episode_id", "name", "source"], within=within)
        reading.write(tx, found)

    lake.write(write)
    told(3, 3)
    reasoned = lake.rows(_sql("with_reason"), {"project": project, "name": NAME})[0]["episodes"]
    without = len(failed) - reasoned
    return StepResult(
        step=STEP,
        seen=len(failed),
        kept=reasoned,
        dropped={NO_REASON: without} if without else {},
    )


def reasons(lake: Lake, project: str, *, most: int = MOST) -> list[Reason]:
    """The reasons of the most failures, the most common one first."""
    given = {"project": project, "name": NAME, "most": most}
    return [Reason(**row) for row in lake.rows(_sql("reasons"), given)]


class _Found(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What tonight's reading came to."""

    labels: pa.Table
    kinds: Mapping[str, Vectors]
    read: tuple[Done, ...] = ()


class _Reading:
    """Failures without a signature, read by what was said last."""

    def __init__(
        self,
        lake: Lake,
        project: str,
        encoder: Encoder | None,
        failed: pa.Table,
        signed: pa.Table,
    ) -> None:
        self._lake = lake
        self._project = project
        self._encoder = encoder or _encoder(lake)
        version = f"{VERSION} {self._encoder.recipe if self._encoder else ''}"
        self._where = {"project": project, "step": STEP, "version": version}
        self._label = {"project": project, "name": NAME, "source": CLUSTER}
        self._tables = {
            "failed": failed.select(["episode_id"]), "signed": signed.select(["episode_id"]),
        }  # fmt: skip

    def found(self, now: datetime) -> _Found:
        """Kinds of the failures that nobody has read."""
        if self._encoder is None:
            return _Found(labels=_rows(self._project, [], [], [], CLUSTER, now), kinds={})
        given = {**self._where, "most": NIGHTLY}
        rows = self._lake.table(_sql("unsigned_failures"), given, self._tables).to_pylist()
        texts = self._last_words(rows)
        told = [(row, text) for row, text in zip(rows, texts, strict=True) if text]
        words = [text for _, text in told]
        vectors = self._encoder.encode(words)
        kinds = gather(words, vectors, self._known(self._encoder.recipe))
        named = [
            (row["episode_id"], name, cosine)
            for (row, _), name, cosine in zip(told, kinds.names, kinds.cosines, strict=True)
            if name is not None
        ]
        read = [
            Done(**self._where, key=row["episode_id"], revision=row["revision"]) for row in rows
        ]
        columns = [list(column) for column in zip(*named, strict=True)] or [[], [], []]
        labels = _rows(self._project, columns[0], columns[1], columns[2], CLUSTER, now)
        return _Found(labels=labels, kinds=kinds.new, read=tuple(read))

    def write(self, tx: Transaction, found: _Found) -> None:
        if self._encoder is None:
            return
        given = {**self._where, **self._label}
        tx.run(_sql("forget_kinds"), given, self._tables)
        tx.run(_sql("forget_failures_read"), self._where, self._tables)
        told = {"told": found.labels.select(["episode_id"])}
        tx.run(_sql("forget_labels_of"), self._label, told)
        tx.append_columns("labels", found.labels)
        hashes = [_key(self._project, name) for name in found.kinds]
        shelf.store(tx, self._encoder.recipe, hashes, np.array(list(found.kinds.values())))
        tx.append("done", found.read)

    def _last_words(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        hashes = sorted({name for row in rows for name in row["messages"]})
        wanted = {"wanted": pa.table({"hash": pa.array(hashes, pa.string())})}
        found = self._lake.table(_sql("last_words"), None, wanted)
        texts = dict(zip(found["hash"].to_pylist(), found["body"].to_pylist(), strict=True))
        return [
            last_word([decoded(texts[name]) for name in row["messages"]], row["finish_reason"])
            for row in rows
        ]

    def _known(self, recipe: str) -> dict[str, Vectors]:
        kinds = self._lake.table(_sql("kinds_of_failure"), self._label)["kind"].to_pylist()
        hashes = [_key(self._project, kind) for kind in kinds]
        wanted = pa.table(
            {"kind": pa.array(kinds, pa.string()), "text_hash": pa.array(hashes, pa.string())}
        )
        found = self._lake.table(_sql("vectors_of_kinds"), {"model": recipe}, {"wanted": wanted})
        return dict(zip(found["kind"].to_pylist(), shelf.matrix(found["vector"]), strict=True))


def _encoder(lake: Lake) -> Encoder | None:
    """The model of the settings; None: it is not there, and what needs none is done without."""
    try:
        return Encoder.of(lake.settings)
    except EmbeddingModelError:
        return None


def _key(project: str, kind: str) -> str:
    """Where the vector of a kind stands among those of texts."""
    return digest(dump(["failure", project, kind]))


def _signed(lake: Lake, project: str, failed: pa.Table, now: datetime) -> pa.Table:
    """The rows of `labels` of failures whose skeleton has a signature."""
    units = pc.unique(failed["skeleton"].drop_null())
    found = lake.table(
        _sql("skeleton_texts"), {"project": project}, {"wanted": pa.table({"unit_id": units})}
    )
    signed = pa.table({"skeleton": found["unit_id"], "value": _values(found["text"].to_pylist())})
    rows = failed.join(signed, "skeleton", join_type="inner").sort_by("episode_id")
    rows = rows.filter(pc.is_valid(rows["value"]))
    names, values = rows["episode_id"].to_pylist(), rows["value"].to_pylist()
    return _rows(project, names, values, [None] * len(rows), SIGNATURE, now)


def _rows(
    project: str,
    episodes: Sequence[str],
    values: Sequence[str],
    confidences: Sequence[float | None],
    source: str,
    now: datetime,
) -> pa.Table:
    """Rows of `labels`."""
    count = len(episodes)
    return pa.table(
        {
            "project": pa.repeat(project, count),
            "episode_id": pa.array(episodes, pa.string()),
            "name": pa.repeat(NAME, count),
            "value": pa.array(values, pa.string()),
            "source": pa.repeat(source, count),
            "confidence": pa.array(confidences, pa.float64()),
            "at": pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), count),
        }
    )


def _values(texts: Sequence[str]) -> pa.Array:
    signatures = (of_skeleton(text) for text in texts)
    return pa.array([None if one is None else str(one) for one in signatures], pa.string())


def _sql(name: str) -> str:
    return statements("headrace.curate", "labels.sql")[name]
