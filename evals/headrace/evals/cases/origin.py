"""Episodes as the origins of cases: which one speaks for a request, and the case in it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import msgspec

from headrace.curate.draft import draft
from headrace.curate.scrubbing import beside
from headrace.lake.message import Body, digest, dump
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Way = Literal["production", "promoted"]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that could become a case."""

    request: str
    cluster: str  # its group: what may give its answer away
    intent: str
    episode_id: str
    resolution: str
    asks: bool  # has a turn that was trained on
    referenced: bool  # came with a reference output

    @property
    def ready(self) -> bool:
        return self.asks and self.resolution in ("success", "failure")


def candidates(lake: Lake, project: str) -> dict[str, list[Origin]]:
    """Request -> its root episodes in the eval split, the newest first."""
    rows = lake.rows(
        statements("headrace.evals.cases", "intent.sql")["candidates"], {"project": project}
    )
    found = [Origin(**row) for row in rows]
    return {name: list(group) for name, group in groupby(found, key=lambda o: o.request)}


def grown(
    lake: Lake,
    project: str,
    suite: str,
    requests: Sequence[Sequence[Origin]],
    *,
    way: Way = "production",
    now: datetime,
) -> list[Case]:
    """A case for each request, given by its origins; none where no origin asks anything."""
    corrections = _corrections(
        lake, project, [o.episode_id for origins in requests for o in origins]
    )
    chosen = [one for origins in requests if (one := _choose(origins, corrections))]
    episodes = _episodes(lake, project, [origin.episode_id for origin in chosen])
    made = (
        _case(project, suite, origin, episodes[origin.episode_id], corrections, way, now)
        for origin in chosen
    )
    return [case for case in made if case is not None]


def _choose(origins: Sequence[Origin], corrections: Mapping[str, object]) -> Origin | None:
    """The newest success, else the newest failure of which is known what is right, else any."""
    asking = [origin for origin in origins if origin.asks]
    ranked = [
        *(o for o in asking if o.resolution == "success"),
        *(o for o in asking if o.episode_id in corrections),
        *(o for o in asking if o.referenced),
        *(o for o in asking if o.resolution == "failure"),
        *asking,
    ]
    return ranked[0] if ranked else None


def _case(
    project: str,
    suite: str,
    origin: Origin,
    row: Mapping[str, Any],
    corrections: Mapping[str, object],
    way: Way,
    now: datetime,
) -> Case | None:
    right = corrections.get(origin.episode_id, row["metadata"].get("reference"))
    success = origin.resolution == "success"
    drafted = draft(row["messages"], row["trainable"], success=success, correction=right)
    if drafted is None:
        return None
    question = {"messages": list(drafted.messages), "tools": row["tools"]}
    content = case_hash(question, drafted.target, drafted.scorer)
    said = row["metadata"].get("slice")
    return Case(
        project=project,
        suite=suite,
        case_id=digest(dump([project, suite, origin.request, content])),
        input=dump(question),
        target=None if drafted.target is None else dump(drafted.target),
        scorer=drafted.scorer,
        slice=None if said is None else str(said),
        cluster=origin.cluster,
        origin_episode_id=origin.episode_id,
        request=origin.request,
        content_hash=content,
        added_at=now,
        origin=dump({"from": way}),
    )


def case_hash(question: Body, target: object, scorer: str) -> str:
    """What a case is: asked and scored in this way. Another hash is another case."""
    return digest(dump([question, target, scorer]))


def _corrections(lake: Lake, project: str, episodes: Sequence[str]) -> dict[str, object]:
    """What should have been said, without the personal data in it."""
    rows = lake.rows(_sql()["corrections"], {"project": project, "episodes": list(episodes)})
    said = {row["episode_id"]: json.loads(row["correction"]) for row in rows}
    return beside(lake, project, said)


def _episodes(lake: Lake, project: str, episodes: Sequence[str]) -> dict[str, dict[str, Any]]:
    where = {"project": project, "episodes": list(episodes)}
    bodies = {r["hash"]: json.loads(r["body"]) for r in lake.rows(_sql()["origin_bodies"], where)}
    return {
        row["episode_id"]: {
            "messages": [bodies[name] for name in row["messages"]],
            "trainable": row["trainable"],
            "tools": None if row["tools"] is None else json.loads(row["tools"]),
            "metadata": json.loads(row["metadata"]),
        }
        for row in lake.rows(_sql()["origins"], where)
    }


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")
