"""One episode made a case, whatever side of the wall it was on; from then on it is an eval."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.evals import case
from headrace.evals.cases import intent, origin
from headrace.evals.cases.exposure import Exposure, datasets, exposures
from headrace.evals.cases.origin import Origin
from headrace.evals.errors import NotPromoted
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

Row = Mapping[str, Any]


class Promoted(msgspec.Struct, frozen=True, kw_only=True):
    """The case that an episode became."""

    project: str
    suite: str
    case_id: str
    episode_id: str
    scorer: str
    reinstated: bool  # it had been a case and was retired
    exported: tuple[Exposure, ...]  # data sets whose models may know it


def promote(
    lake: Lake,
    project: str,
    name: str,
    *,
    suite: str = case.SUITE,
    even_if_exported: bool = False,
    now: datetime,
) -> Promoted:
    """Make a case of the episode of this id, or the root episode of this trace.

    Its target comes as in `case.build`: a correction, a reference output, what a success did; else
    only production can answer it. Curation keeps it, its group and what resembles it out of every
    later export. Raises NotPromoted: unknown, several, below another, not curated, nothing to ask,
    already a case, or, unless `even_if_exported`, in the training rows of a data set.
    """
    row = _episode(lake, project, name)
    item = _case(lake, project, suite, row, now)
    retired = _known(lake, project, suite, item)
    found = exposures(lake, project, [item])
    if found and not even_if_exported:
        raise NotPromoted(_burned(row["episode_id"], found))
    _write(lake, item, reinstated=retired)
    return Promoted(
        project=project,
        suite=suite,
        case_id=item.case_id,
        episode_id=row["episode_id"],
        scorer=item.scorer,
        reinstated=retired,
        exported=found,
    )


def _episode(lake: Lake, project: str, name: str) -> Row:
    """The one episode that is meant. Raises NotPromoted."""
    rows = lake.rows(_sql()["named_episodes"], {"name": name})
    ours = [row for row in rows if row["project"] == project]
    if not ours:
        raise NotPromoted(_unknown(project, name, rows))
    roots = [row for row in ours if row["parent_episode_id"] is None]
    meant = [row for row in ours if row["by_id"]] or roots or ours
    if len(meant) > 1:
        ids = ", ".join(row["episode_id"] for row in meant)
        raise NotPromoted(f"trace {name!r} holds {len(meant)} episodes: name one of {ids}")
    [row] = meant
    if row["parent_episode_id"] is not None:
        raise NotPromoted(
            f"episode {row['episode_id']!r} is the run of a sub-agent, which production marks do "
            f"not reach: promote the episode that called it, {row['parent_episode_id']!r}"
        )
    return row


def _case(lake: Lake, project: str, suite: str, row: Row, now: datetime) -> Case:
    name = row["episode_id"]
    if row["request"] is None or row["cluster"] is None:
        raise NotPromoted(
            f"episode {name!r} is not curated yet, so that nothing could keep what resembles it "
            f"out of training: run `headrace nightly --project {project}` first"
        )
    if not row["scrubbed"]:
        raise NotPromoted(
            f"episode {name!r} is not scrubbed, so that personal data in it would become a case: "
            f"run `headrace nightly --project {project}` first"
        )
    one = Origin(
        request=row["request"],
        cluster=row["cluster"],
        intent=row["cluster"],
        episode_id=name,
        resolution=row["resolution"],
        asks=bool(row["asks"]),
        referenced=False,
    )
    made = origin.grown(lake, project, suite, [[one]], way="promoted", now=now)
    if not made:
        raise NotPromoted(
            f"episode {name!r} has no turn of the product's own to ask for: promote one in which "
            "an assistant's turn was recorded as output"
        )
    return made[0]


def _known(lake: Lake, project: str, suite: str, item: Case) -> bool:
    """Whether this very case was retired. Raises NotPromoted where its request has a case."""
    known = case.cases(lake, project, suite)
    asked = intent.requests_of(lake, project, known)
    for other in known:
        same = item.request in (asked.get(other.case_id), other.request)
        if other.retired_at is None and (same or other.case_id == item.case_id):
            raise NotPromoted(
                f"episode {item.origin_episode_id!r} is already a case of suite {suite!r}: "
                f"{other.case_id} asks the same. To put this one in its place, first "
                f"`headrace eval retire {other.case_id}`"
            )
    return any(other.case_id == item.case_id for other in known)


def _write(lake: Lake, item: Case, *, reinstated: bool) -> None:
    def work(tx: Transaction) -> None:
        if reinstated:
            named = {"project": item.project, "suite": item.suite, "cases": [item.case_id]}
            tx.run(_sql()["reinstate_cases"], named)
        else:
            tx.add_new("cases", [item], on=["project", "suite", "case_id"])

    lake.write(work)


def _unknown(project: str, name: str, rows: Sequence[Row]) -> str:
    elsewhere = sorted({row["project"] for row in rows})
    if elsewhere:
        return (
            f"{name!r} is no episode or trace of project {project!r} but of {elsewhere[0]!r}: "
            f"say --project {elsewhere[0]}"
        )
    return (
        f"project {project!r} has no episode or trace {name!r}: give the id of an episode that "
        "`headrace nightly` assembled, or its trace id as your tracing shows it"
    )


def _burned(name: str, found: Sequence[Exposure]) -> str:
    return (
        f"episode {name!r} is given away by training rows of {datasets(found)}: a model trained on "
        "them has seen the answer and its score would say nothing. Promote another episode, or "
        "accept it with --even-if-exported: later exports leave it out"
    )


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "promotion.sql")
