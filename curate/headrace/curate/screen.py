"""Holds back what looks like poison or misuse until a person has looked at it; deletes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.curate import ledger
from headrace.curate.backlog import Backlog, Chunk
from headrace.curate.progress import Progress, silent
from headrace.curate.screens.look import Hit, look
from headrace.curate.screens.outlier import outliers
from headrace.curate.screens.pattern import PATTERNS, VERSION
from headrace.curate.screens.policy import Policy, policy
from headrace.curate.screens.share import cap
from headrace.curate.step import StepResult, most_first
from headrace.curate.workers import Workers
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

STEP = "screen"
SCREENS = (
    "flagged",
    "injection",
    "self_scoring",
    "score_outlier",
    "heavy_user",
)  # the first counts


def screen(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Decide which scrubbed episodes are held back, and say why: one decision for each of those.

    New episodes are read through for known wordings; shares, flags and scores are weighed anew.
    Raises SettingsError.
    """
    wanted = policy(lake.settings, project)
    if wanted.injection or wanted.self_scoring:
        _look(lake, project, now, told)
    rows = _decisions(lake, project, wanted, now)
    lake.write(lambda tx: ledger.decided(tx, project, STEP, rows))
    return _result(lake, project, rows)


def _look(lake: Lake, project: str, now: datetime, told: Progress) -> None:
    backlog = Backlog.of(lake, project, step=STEP, version=VERSION)
    workers = Workers(lake.settings.workers, len(backlog))
    seen = 0
    for chunk, parts in workers.over(look, backlog):
        hits = [hit for part in parts for hit in part]
        _keep(lake, project, chunk, hits, now)
        seen += len(chunk)
        told(seen, len(backlog))


def _keep(lake: Lake, project: str, chunk: Chunk, hits: Iterable[Hit], now: datetime) -> None:
    """Write what was found in a chunk, in place of what an earlier revision held."""
    import pyarrow as pa

    done = chunk.done
    looked = pa.table({"episode_id": pa.array([row.key for row in done], pa.string())})
    found = _table(episode_id=[hit.episode_id for hit in hits], pattern=[h.pattern for h in hits])
    given = {"project": project}

    def work(tx: Transaction) -> None:
        tx.run(_sql("forget_hits"), given, {"looked": looked})
        if len(found):
            tx.run(_sql("new_hits"), {**given, "now": now}, {"hits": found})
        tx.append("done", done)

    lake.write(work)


def _decisions(lake: Lake, project: str, wanted: Policy, now: datetime) -> "pa.Table":
    import pyarrow as pa

    used = [name for name in SCREENS if _on(wanted, name)]
    shapes = [pattern for pattern in PATTERNS if pattern.screen in used]
    tables = {
        "screens": pa.table(
            {"screen": pa.array(used, pa.string()), "rank": pa.array(range(len(used)), pa.int64())}
        ),
        "patterns": _table(
            pattern=[one.name for one in shapes], screen=[one.screen for one in shapes]
        ),
        "outliers": _table(episode_id=_outliers(lake, project, wanted)),
        "heavy": _table(episode_id=_heavy(lake, project, wanted)),
    }
    given = {"project": project, "version": VERSION, "now": now}
    return lake.table(_sql("screen_decisions"), given, tables)


def _on(wanted: Policy, name: str) -> bool:
    return getattr(wanted, name) is not False


def _heavy(lake: Lake, project: str, wanted: Policy) -> list[str]:
    """The episodes of users and tenants that are too many, so that no share is above the bound."""
    if wanted.share is None:
        return []
    # more than 1 / share speakers can never be above it together
    given = {"project": project, "tenant": wanted.tenant, "most": int(1 / wanted.share) + 2}
    rows = lake.rows(_sql("speakers"), given)
    found: set[str] = set()
    for kind, group in groupby(rows, key=lambda row: str(row["kind"])):
        spoken = [row for row in group if row["name"] is not None]
        if spoken and spoken[0]["total"] >= wanted.heavy_user_least:
            found |= _beyond(lake, project, wanted, kind, spoken)
    return sorted(found)


def _beyond(
    lake: Lake, project: str, wanted: Policy, kind: str, spoken: Sequence[Mapping[str, Any]]
) -> set[str]:
    counts = [row["episodes"] for row in spoken]
    others = spoken[0]["total"] - sum(counts)
    most = cap(counts, others, wanted.share or 1)
    if most is None:
        return set()
    names = [row["name"] for row, n in zip(spoken, counts, strict=True) if n > most]
    given = {"kind": kind, "tenant": wanted.tenant, "names": names, "cap": most}
    found = lake.rows(_sql("beyond_share"), {"project": project, **given})
    return {row["episode_id"] for row in found}


def _outliers(lake: Lake, project: str, wanted: Policy) -> list[str]:
    """The episodes whose score lies far off what a judge gave them."""
    if wanted.residual is None:
        return []
    rows = lake.table(_sql("scored_and_judged"), {"project": project})
    names, judges = (np.asarray(rows[name].to_pylist()) for name in ("episode_id", "name"))
    scores, judged = (rows[name].to_numpy() for name in ("score", "judged"))
    found: set[str] = set()
    for judge in np.unique(judges):
        own = judges == judge
        if own.sum() >= wanted.score_outlier_least:
            off = outliers(scores[own], judged[own], times=wanted.residual)
            found |= set(names[own][off].tolist())
    return sorted(found)


def _result(lake: Lake, project: str, rows: "pa.Table") -> StepResult:
    [(seen,)] = lake.sql(_sql("screened_population"), {"project": project}).fetchall()
    counts = rows.group_by(["kept", "reason"]).aggregate([([], "count_all")]).to_pylist()
    dropped = {row["reason"]: row["count_all"] for row in counts if not row["kept"]}
    cleared = sum(row["count_all"] for row in counts if row["kept"])
    return StepResult(
        step=STEP,
        seen=seen,
        kept=seen - sum(dropped.values()),
        dropped=most_first(dropped),
        notes={"cleared": cleared} if cleared else {},
    )


def _table(**columns: Iterable[str]) -> "pa.Table":
    import pyarrow as pa

    return pa.table({name: pa.array(list(held), pa.string()) for name, held in columns.items()})


def _sql(name: str) -> str:
    return statements("headrace.curate", "screen.sql")[name]
