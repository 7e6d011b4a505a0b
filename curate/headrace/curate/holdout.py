"""Other ways to hold out than the groups' splits: what comes later, and users never seen.

Random groups flatter next week. These are views: nothing is stored, and the splits stay as they
are. An episode of a group that stands on both sides is on neither, unless it is on the side that is
learnt from.
"""

from datetime import datetime
from typing import Literal

import polars as pl
import pyarrow as pa

from headrace.lake.message import digest
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Side = Literal["learnt", "held_out"]


def forward(lake: Lake, project: str, cut: datetime) -> dict[str, Side | None]:
    """Episodes that started before the cut are learnt from, those of new groups after it held out.

    None: after the cut, in a group that was there before it. Episodes without a start or a group
    are not among them.
    """
    return _sides(lake.table(_sql("forward"), {"project": project, "cut": cut}))


def unseen_users(
    lake: Lake, project: str, *, share: float = 0.1, seed: int = 0
) -> dict[str, Side | None]:
    """All episodes of some users are held out, drawn by their names and the seed.

    None: of another user, in a group with one of theirs. Episodes without a group are not among
    them; those without a user are learnt from.
    """
    names = [row["user_id"] for row in lake.rows(_sql("users"), {"project": project})]
    drawn = [name for name in names if _point(f"{seed}/{project}/{name}") < share]
    tables = {"drawn": pa.table({"user_id": pa.array(drawn, pa.string())})}
    return _sides(lake.table(_sql("unseen_users"), {"project": project}, tables))


def _point(name: str) -> float:
    """In [0, 1), the same on any machine."""
    return int(digest(name)[:13], 16) / 16**13


def _sides(rows: pa.Table) -> dict[str, Side | None]:
    return dict(pl.DataFrame(rows).select("episode_id", "side").iter_rows())


def _sql(name: str) -> str:
    return statements("headrace.curate", "split.sql")[name]
