"""What people said about episodes whose raw texts go: comments and corrections, scrubbed in place.

A mark may come long before what it is about is retired, or long after: then no message is left to
tell the names of its people, and words are held against the HMACs of what stood in them.
"""

from collections.abc import Iterator, Mapping, Sequence
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
Words = Sequence[Mapping[str, Any]]  # rows of the statements `said` and `said_alone`


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Comments and corrections as they will stand, less what cannot be scrubbed."""

    project: str
    rows: "pa.Table"  # name, received_at, received_text, comment, correction

    @classmethod
    def about(cls, lake: Lake, project: str, marks: Sequence[RetiredRow]) -> "Said":
        """What was said about the traces and episodes marked. Raises as `of` does."""
        names: Mapping[str, list[str]] = {"trace": [], "episode": []}
        for mark in marks:
            names[mark.kind].append(mark.key)
        given = {"project": project, "traces": names["trace"], "episodes": names["episode"]}
        return cls.of(lake, project, lake.rows(_sql("said"), given))

    @classmethod
    def of(cls, lake: Lake, project: str, words: Words) -> "Said":
        """Raises ScrubKeyError, MissingExtra, FinderError."""
        return cls(project=project, rows=_scrubbed(lake, project, words))

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


def alone(lake: Lake, project: str, *, before: datetime, most: int) -> Iterator[Words]:
    """What was said before a time about nothing that is kept raw, and was not looked at yet."""
    given = {"project": project, "before": before, "most": most, "step": STEP}
    after = ""
    while words := lake.rows(_sql("said_alone"), {**given, "after": after}):
        yield words
        after = words[-1]["name"]


def _scrubbed(lake: Lake, project: str, rows: Words) -> "pa.Table":
    import pyarrow as pa

    told = {
        row["name"]: (row["episodes"] or (), {"comment": row["comment"], **read})
        for row in rows
        if (read := _read(row["correction"])) is not None
    }
    clean: Mapping[str, Any] = scrubbing.among(lake, project, told)
    rows = [row for row in rows if row["name"] in clean]
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


def _read(correction: str | None) -> Mapping[str, object] | None:
    """None: it cannot be read."""
    try:
        return {"correction": None if correction is None else decoded(correction)}
    except (ValueError, RecursionError):
        return None


def _sql(name: str) -> str:
    return statements("headrace.curate", "retire.sql")[name]
