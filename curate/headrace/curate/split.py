"""Train, test and eval apart, by groups and for ever.

A group is whatever could give an answer away: a request or a transcript that is nearly the same,
requests of one meaning, the same conversation, the same run. It gets its split on first sight, by
its name and a seed, and keeps it: a case that moves from eval to train would make every later
verdict a lie. Users are no group: one common request would chain them all into one.
"""

from datetime import datetime
from typing import get_args

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from headrace.curate import ledger
from headrace.curate.errors import SharesError
from headrace.curate.frame import arrow, utc
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.curate.wall.grouping import Standing, components, standing
from headrace.lake.message import digest, dump
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "split"
VERSION = "split/2"
METHOD = "group"
QUARANTINED = "quarantined"
WIDE = 0.05  # of all episodes in one group: to be looked at before anything is released
FEW = 40  # groups; among fewer one of a twentieth is nothing strange


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """The share of groups in each split; they add up to 1.

    Much goes to eval, as a small project lacks cases before it lacks training data: with fewer
    than a hundred an interval is wider than any change that it should show.
    """

    train: float = 0.6
    test: float = 0.1
    eval: float = 0.3

    def __post_init__(self) -> None:
        parts = (self.train, self.test, self.eval)
        if min(parts) < 0 or not abs(sum(parts) - 1) <= 1e-9:  # no comparison with NaN holds
            raise SharesError(
                f"shares {self.train:g}, {self.test:g}, {self.eval:g} of train, test, eval: "
                "none may be negative and they must add up to 1"
            )

    def draw(self, group_id: str, seed: int) -> Split:
        """The split of a new group: the same for the same name and seed, on any machine."""
        point = int(digest(f"{seed}/{group_id}")[:13], 16) / 16**13
        if point < self.train:
            return "train"
        return "test" if point < self.train + self.test else "eval"


def split(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    seed: int = 0,
    shares: Shares | None = None,
    told: Progress = silent,
) -> StepResult:
    """Put every episode that was cut into units into a group, and every new group into a split.

    Stored splits are never drawn again. Where new data join groups of different splits, eval wins
    (then test): the other side keeps its split and is quarantined from every export.
    """
    found = _standing(lake, project)
    fresh = _drawn(project, found.members, seed, shares or Shares())
    placed = _placed(found.members, fresh)

    def write(tx: Transaction) -> None:
        _settle_groups(tx, project, placed, fresh, now)
        _settle_quarantine(tx, project, placed, now)
        where = {"project": project, "at": now}
        tx.run(_sql("log_merges"), where, {"merged": arrow(found.merged)})

    lake.write(write)
    told(len(placed), len(placed))
    return _result(placed.filter("current"))


def assignments(lake: Lake, project: str) -> dict[str, Split]:
    """The split of each current episode; quarantined ones are in none and left out."""
    rows = lake.rows(_sql("assignments"), {"project": project})
    return {row["episode_id"]: row["split"] for row in rows}


def _standing(lake: Lake, project: str) -> Standing:
    given = {"project": project}
    rows = lake.table(_sql("members"), given)
    rows = rows.append_column("n", pa.array(np.arange(len(rows))))
    ties = lake.table(_sql("ties"), given, {"members": rows})
    part = components(len(rows), np.asarray(ties["n"]), np.asarray(ties["key"]))
    members = pl.DataFrame(rows.select(["n", "episode_id", "group_id", "current"]))
    groups = pl.DataFrame(lake.table(_sql("stored_groups"), given))
    return standing(members.with_columns(part=pl.Series(part, dtype=pl.Int64)), groups)


def _drawn(project: str, members: pl.DataFrame, seed: int, shares: Shares) -> pl.DataFrame:
    """The groups that are new: `oldest` (who names it), `group_id`, `split`."""
    oldest = members.filter(pl.col("home").is_null())["oldest"].unique(maintain_order=True)
    names = ["gr_" + digest(dump([project, name])) for name in oldest.to_list()]
    drawn = [shares.draw(name, seed) for name in names]
    columns = {"oldest": oldest, "group_id": names, "split": drawn}
    return pl.DataFrame(columns, schema_overrides={"group_id": pl.String, "split": pl.String})


def _placed(members: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """`episode_id`, `current`, `cluster_id`, `side` and `apart`, in order of arrival."""
    new = fresh.select("oldest", new="group_id", new_split="split")
    told = members.join(new, on="oldest", how="left", maintain_order="left")
    own = pl.col("apart").is_not_null()
    side = pl.when(own).then("split").otherwise(pl.coalesce("home_split", "new_split"))
    return told.select(
        "episode_id", "current", "apart", cluster_id=pl.coalesce("home", "new"), side=side
    )


def _settle_groups(
    tx: Transaction, project: str, placed: pl.DataFrame, fresh: pl.DataFrame, now: datetime
) -> None:
    """A stored split is never changed."""
    groups = fresh.select("group_id", "split", project=pl.lit(project), at=utc(now))
    tx.append_columns("splits", arrow(groups))
    rows = placed.select(
        "cluster_id", "episode_id", project=pl.lit(project), method=pl.lit(METHOD),
        representative=pl.int_range(pl.len()).over("cluster_id") == 0,
    )  # fmt: skip
    ledger.gathered(tx, project, METHOD, arrow(rows))


def _settle_quarantine(tx: Transaction, project: str, placed: pl.DataFrame, now: datetime) -> None:
    rows = placed.drop_nulls("apart").select(
        "episode_id",
        project=pl.lit(project),
        step=pl.lit("decontaminate"),
        version=pl.lit(VERSION),
        kept=pl.lit(False),
        reason=pl.lit(QUARANTINED),
        because_of="apart",
        at=utc(now),
    )
    ledger.decided(tx, project, "decontaminate", arrow(rows), reason=QUARANTINED)
    if len(rows):
        where = {"project": project, "reason": QUARANTINED}
        tx.run(_sql("forget_decided"), where, {"quarantined": arrow(rows.select("episode_id"))})


def _result(placed: pl.DataFrame) -> StepResult:
    kept = placed.filter(pl.col("apart").is_null())
    sides = dict(kept["side"].value_counts().iter_rows())
    sizes = placed["cluster_id"].value_counts()["count"]
    quarantined = len(placed) - len(kept)
    largest = int(sizes.max() or 0)  # type: ignore[arg-type]
    notes = {
        **{name: int(sides.get(name, 0)) for name in get_args(Split)},
        "groups": len(sizes),
        "largest_group": largest,
    }
    if len(sizes) >= FEW and largest > WIDE * len(placed):
        notes["largest_group_percent"] = round(100 * largest / len(placed))
    return StepResult(
        step=STEP,
        seen=len(placed),
        kept=len(kept),
        dropped={QUARANTINED: quarantined} if quarantined else {},
        notes=notes,
    )


def _sql(name: str) -> str:
    return statements("headrace.curate", "split.sql")[name]
