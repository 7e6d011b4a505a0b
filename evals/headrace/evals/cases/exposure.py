"""Cases that a model may have been trained on: what an exported data set gives away of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace.curate.decontaminate import Leak, given_away
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """An episode in the training rows of a data set that gives a case away."""

    case_id: str
    episode_id: str
    rule: str  # exact, group, near, ngram, semantic, judged: as in decontamination
    dataset: str
    versions: int  # of the data set that hold it


def exposures(lake: Lake, project: str, cases: Sequence[Case]) -> tuple[Exposure, ...]:
    """What was exported for training and gives away one of these cases, new ones too."""
    sql, where = statements("headrace.evals.cases", "exposure.sql"), {"project": project}
    if not cases or not lake.rows(sql["exported_before"], where)[0]["rows"]:
        return ()
    leaks = {leak.episode_id: leak for leak in given_away(lake, project, cases)}
    groups = {c.cluster: c.case_id for c in reversed(cases) if c.origin_episode_id and c.cluster}
    asked = {**where, "episodes": sorted(leaks), "groups": sorted(groups)}
    return tuple(_exposure(row, leaks, groups) for row in lake.rows(sql["exported"], asked))


def _exposure(
    row: Mapping[str, Any], leaks: Mapping[str, Leak], groups: Mapping[str, str]
) -> Exposure:
    leak = leaks.get(row["episode_id"])
    return Exposure(
        case_id=leak.case_id if leak else groups[row["group"]],
        episode_id=row["episode_id"],
        rule=leak.rule if leak else "group",
        dataset=row["dataset"],
        versions=row["versions"],
    )


def datasets(found: Sequence[Exposure]) -> str:
    """The data sets of exposures, in words."""
    versions: dict[str, int] = {}
    for one in found:
        versions[one.dataset] = max(one.versions, versions.get(one.dataset, 0))
    return ", ".join(
        f"{name!r}" + (f" ({count} versions)" if count > 1 else "")
        for name, count in versions.items()
    )
