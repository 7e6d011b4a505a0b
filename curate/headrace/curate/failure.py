"""Why episodes failed, in groups: by the first tool that failed; no model is asked."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate.labels.signature import of_skeleton
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "failure"
NAME = "failure_reason"
SIGNATURE = "signature"
NO_ERROR = "no tool error"
MOST = 20


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one kind."""

    reason: str
    source: str
    episodes: int
    share: float  # of all failures that have a reason
    example: str  # episode id


def diagnose(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Write `labels` named `failure_reason`: the signature of each failed episode that has one.

    An episode that is no failure any more loses its reason.
    """
    failed = lake.table(_sql("failed_episodes"), {"project": project})
    told(1, 3)
    wanted = _signed(lake, project, failed, now)
    told(2, 3)

    def write(tx: Transaction) -> None:
        within = {"project": project, "name": NAME, "source": SIGNATURE}
        tx.settle("labels", wanted, on=["project", "episode_id", "name", "source"], within=within)

    lake.write(write)
    told(3, 3)
    without = len(failed) - len(wanted)
    return StepResult(
        step=STEP,
        seen=len(failed),
        kept=len(wanted),
        dropped={NO_ERROR: without} if without else {},
    )


def reasons(lake: Lake, project: str, *, most: int = MOST) -> list[Reason]:
    """The reasons of the most failures, the most common one first."""
    given = {"project": project, "name": NAME, "most": most}
    return [Reason(**row) for row in lake.rows(_sql("reasons"), given)]


def _signed(lake: Lake, project: str, failed: pa.Table, now: datetime) -> pa.Table:
    """The rows of `labels` of failures whose skeleton has a signature."""
    units = pc.unique(failed["skeleton"].drop_null())
    found = lake.table(
        _sql("skeleton_texts"), {"project": project}, {"wanted": pa.table({"unit_id": units})}
    )
    signed = pa.table({"skeleton": found["unit_id"], "value": _values(found["text"].to_pylist())})
    rows = failed.join(signed, "skeleton", join_type="inner").sort_by("episode_id")
    rows = rows.filter(pc.is_valid(rows["value"]))
    count = len(rows)
    return pa.table(
        {
            "project": pa.repeat(project, count),
            "episode_id": rows["episode_id"],
            "name": pa.repeat(NAME, count),
            "value": rows["value"],
            "source": pa.repeat(SIGNATURE, count),
            "confidence": pa.nulls(count, pa.float64()),
            "at": pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), count),
        }
    )


def _values(texts: Sequence[str]) -> pa.Array:
    signatures = (of_skeleton(text) for text in texts)
    return pa.array([None if one is None else str(one) for one in signatures], pa.string())


def _sql(name: str) -> str:
    return statements("headrace.curate", "labels.sql")[name]
