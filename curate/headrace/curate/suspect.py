"""Names marks that look wrong: what an episode asks for and does says the opposite of its label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from headrace.curate.labels.suspicion import Suspect, suspects
from headrace.curate.progress import Progress, silent
from headrace.curate.semantic import shelf
from headrace.curate.semantic.shelf import Kin
from headrace.curate.step import StepResult
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "suspect"
NAME = "suspicious_mark"
SOURCE = "cleanlab"
SAMPLE = 20_000  # episodes that are compared: as many as teach the model all that it can learn
FLAGS = 64  # steps of skeletons, the most common ones, that an episode has or has not
SEED = 1

Floats = NDArray[np.float64]


def suspect(
    lake: Lake, project: str, *, now: datetime, told: Progress = silent, seed: int = SEED
) -> StepResult:
    """Write `labels` of that name: `value` is the label that looks wrong, `confidence` how surely.

    Labelled episodes are compared by the vectors of their requests and the steps they took; those
    without a vector are left out. With fewer than 20 groups of either label nobody is suspected.
    """
    rows, features = _compared(lake, project, seed)
    told(1, 3)
    found = _suspects(rows, features, seed)
    told(2, 3)
    wanted = _labels(project, rows, found, now)

    def write(tx: Transaction) -> None:
        within = {"project": project, "name": NAME, "source": SOURCE}
        tx.settle("labels", wanted, on=["project", "episode_id", "name", "source"], within=within)

    lake.write(write)
    told(3, 3)
    return StepResult(
        step=STEP,
        seen=len(rows),
        kept=len(rows) - len(found),
        dropped={NAME: len(found)} if found else {},
    )


def _compared(lake: Lake, project: str, seed: int) -> tuple[pa.Table, Floats]:
    """The episodes and a row of features for each."""
    given = {"project": project, "seed": str(seed), "most": SAMPLE}
    rows = lake.table(_sql("marked_episodes"), given)
    none = rows.slice(0, 0), np.empty((0, 0))
    if not len(rows):
        return none
    sources = Kin.of(lake, project).source(np.asarray(rows["asked"], dtype=np.int64))
    units = np.unique(sources)
    wanted = {"wanted": pa.table({"unit_id": units})}
    recipes = lake.table(_sql("common_recipe"), {"project": project}, wanted)["model"].to_pylist()
    if not recipes:
        return none
    ids, vectors = shelf.vectors(lake, project, recipes[0], units)
    known = np.isin(sources, ids)
    rows = rows.filter(known)
    asked = vectors[np.searchsorted(ids, sources[known])].astype(np.float64)
    return rows, np.hstack([asked, _flags(lake, project, rows)])


def _flags(lake: Lake, project: str, rows: pa.Table) -> Floats:
    """Which of the most common steps each episode took."""
    units = pc.unique(rows["skeleton"].drop_null())
    wanted = {"wanted": pa.table({"unit_id": units})}
    found = lake.table(_sql("skeleton_texts"), {"project": project}, wanted)
    steps = {
        unit: frozenset(text.splitlines())
        for unit, text in zip(found["unit_id"].to_pylist(), found["text"].to_pylist(), strict=True)
    }
    taken = [steps.get(unit, frozenset()) for unit in rows["skeleton"].to_pylist()]
    counts = Counter(step for one in taken for step in one)
    common = sorted(counts, key=lambda step: (-counts[step], step))[:FLAGS]
    flags = [[step in one for step in common] for one in taken]
    return np.array(flags, dtype=np.float64).reshape(len(taken), len(common))


def _suspects(rows: pa.Table, features: Floats, seed: int) -> list[Suspect]:
    labels, groups = rows["label"].to_pylist(), rows["group"].to_pylist()
    if len(set(labels)) < 2:
        return []
    return suspects(features, labels, groups, np.random.default_rng(seed))


def _labels(project: str, rows: pa.Table, found: Sequence[Suspect], now: datetime) -> pa.Table:
    names = rows["episode_id"].to_pylist()
    values: Mapping[int, str] = {0: "failure", 1: "success"}
    wrong = [one.success if one.label == 0 else 1 - one.success for one in found]
    count = len(found)
    return pa.table(
        {
            "project": pa.repeat(project, count),
            "episode_id": pa.array([names[one.place] for one in found], pa.string()),
            "name": pa.repeat(NAME, count),
            "value": pa.array([values[one.label] for one in found], pa.string()),
            "source": pa.repeat(SOURCE, count),
            "confidence": pa.array(np.round(wrong, 4), pa.float64()),
            "at": pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), count),
        }
    )


def _sql(name: str) -> str:
    return statements("headrace.curate", "labels.sql")[name]
