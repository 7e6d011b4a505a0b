"""What people said about episodes whose raw texts go: comments and corrections, scrubbed in place.

A mark may come long before what it is about is retired, or long after: then no message is left to
tell the names of its people, and words are held against the HMACs of what stood in them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.curate import scrubbing
from headrace.curate.conversation import decoded
from headrace.lake.message import dump
from headrace.lake.record import Done, RetiredRow
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

STEP = "retire"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Comments and corrections as they will stand."""

    project: str
    rows: "pa.Table"  # name, received_at, received_text, comment, correction

    @classmethod
    def about(cls, lake: Lake, project: str, marks: Sequence[RetiredRow]) -> "Said":
        """What was said about the traces and episodes marked. Raises ScrubKeyError."""
        names: Mapping[str, list[str]] = {"trace": [], "episode": []}
        for mark in marks:
            names[mark.kind].append(mark.key)
        given = {"project": project, "traces": names["trace"], "episodes": names["episode"]}
        return cls(project=project, rows=_scrubbed(lake, project, lake.rows(_sql("said"), given)))

    @classmethod
    def alone(cls, lake: Lake, project: str, *, before: datetime, most: int) -> "Said":
        """What was said before a time about nothing that is kept raw, looked at once."""
        given = {"project": project, "before": before, "most": most, "step": STEP}
        found = lake.rows(_sql("said_alone"), given)
        return cls(project=project, rows=_scrubbed(lake, project, found))

    def __len__(self) -> int:
        return len(self.rows)

    def write(self, tx: Transaction) -> None:
        if len(self.rows):
            for statement in ("resay", "resay_reviews"):
                tx.run(_sql(statement), {"project": self.project}, {"changed": self.rows})

    def looked(self, tx: Transaction) -> None:
        """Remember that these were looked at, as they were received."""
        names = self.rows["name"].to_pylist()
        times = self.rows["received_text"].to_pylist()
        done = [
            Done(project=self.project, step=STEP, version=at, key=name)
            for name, at in zip(names, times, strict=True)
        ]
        tx.append("done", done)


def _scrubbed(lake: Lake, project: str, rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    told = {
        row["name"]: (
            row["episodes"] or (),
            {"comment": row["comment"], "correction": _read(row["correction"])},
        )
        for row in rows
    }
    clean: Mapping[str, Any] = scrubbing.among(lake, project, told)
    said = [clean[row["name"]] for row in rows]
    corrections = [
        None if row["correction"] is None else dump(one["correction"])
        for row, one in zip(rows, said, strict=True)
    ]
    return pa.table(
        {
            "name": pa.array([row["name"] for row in rows], pa.string()),
            "received_at": pa.array(
                [row["received_at"] for row in rows], pa.timestamp("us", "UTC")
            ),
            "received_text": pa.array([row["received_text"] for row in rows], pa.string()),
            "comment": pa.array([one["comment"] for one in said], pa.string()),
            "correction": pa.array(corrections, pa.string()),
        }
    )


def _read(correction: str | None) -> object:
    return None if correction is None else decoded(correction)


def _sql(name: str) -> str:
    return statements("headrace.curate", "retire.sql")[name]
