"""Cases grown from production: one frozen eval item per request that lies in the eval split."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from headrace.evals.errors import NoEvalEpisodes
from headrace.lake.message import Body, digest, dump, text_of
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

SUITE = "production"
OUTCOME = "outcome"  # scorer of a case that only production can answer


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build of a suite did; `by_scorer` counts the cases that stand now."""

    project: str
    suite: str
    added: int
    retired: int  # requests that turned out to be one: the older case stays
    kept: int
    waiting: int  # requests without a success or a failure yet
    by_scorer: Mapping[str, int]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The question of a case, and what is right: a text, a list of calls, or not known."""

    messages: tuple[Body, ...]
    target: Any
    scorer: str


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    request: str
    cluster: str
    episode_id: str
    resolution: str


def build(lake: Lake, project: str, *, suite: str = SUITE, now: datetime) -> Built:
    """Add a case for every request of the eval split that has none yet; change nothing else.

    A request waits until one of its episodes is a success or a failure.
    Raises NoEvalEpisodes while the eval split is empty.
    """
    requests = _requests(lake, project)
    standing = [case for case in cases(lake, project, suite) if case.retired_at is None]
    merged = _merged(standing, requests)
    asked = set(_requests_of(standing, requests).values())
    new = [origins for name, origins in requests.items() if name not in asked]
    added, waiting = _grow(lake, project, suite, new, now)
    _write(lake, project, suite, added, merged, now)
    kept = [case for case in standing if case.case_id not in merged]
    return Built(
        project=project,
        suite=suite,
        added=len(added),
        retired=len(merged),
        kept=len(kept),
        waiting=waiting,
        by_scorer=dict(sorted(Counter(case.scorer for case in [*kept, *added]).items())),
    )


def cases(lake: Lake, project: str, suite: str) -> list[Case]:
    """The cases of a suite, retired ones too, in the order in which they came."""
    where = {"project": project, "suite": suite}
    return [Case(**row) for row in lake.rows(_sql()["cases"], where)]


def draft(
    messages: Sequence[Body], trainable: Sequence[bool], *, success: bool, correction: object = None
) -> Draft | None:
    """The case in an episode: what a correction says, else what a success did.

    Without either the whole request is the question and only production can tell. None where
    no turn of the episode was trained on, so that there is nothing to ask.
    """
    turns = [i for i, (body, on) in enumerate(zip(messages, trainable, strict=True)) if on]
    if not turns:
        return None
    calling = [i for i in turns if messages[i].get("tool_calls")]
    if correction is not None:
        right = _message(correction)
        point = calling[-1] if calling and right.get("tool_calls") else turns[-1]
    elif success:
        point = calling[-1] if calling else turns[-1]
        right = messages[point]
    else:
        point, right = turns[0], {}
    target, scorer = _target(right)
    return Draft(messages=tuple(messages[:point]), target=target, scorer=scorer)


def _target(right: Body) -> tuple[Any, str]:
    calls = [call["function"] for call in right.get("tool_calls") or []]
    if calls:
        return [{"name": f["name"], "arguments": f["arguments"]} for f in calls], "tool_calls"
    text = text_of(right.get("content"))
    return (text, "match") if text.strip() else (None, OUTCOME)


def _message(correction: object) -> Body:
    if isinstance(correction, Mapping):
        return dict(correction)
    return {"role": "assistant", "content": correction}


def _requests(lake: Lake, project: str) -> dict[str, list[_Origin]]:
    rows = lake.rows(_sql()["eval_candidates"], {"project": project})
    if not rows:
        raise NoEvalEpisodes(
            f"project {project!r} has no episode in the eval split yet: send traces, then run "
            f"`headrace nightly --project {project}`, which clusters and splits them"
        )
    found = [_Origin(**row) for row in rows]
    return {name: list(group) for name, group in groupby(found, key=lambda o: o.request)}


def _requests_of(
    standing: Iterable[Case], requests: Mapping[str, Sequence[_Origin]]
) -> dict[str, str]:
    """Case id -> request: that of its episode today, else the one that it was grown from."""
    today = {o.episode_id: name for name, origins in requests.items() for o in origins}
    found = {
        case.case_id: today.get(case.origin_episode_id or "", case.request) for case in standing
    }
    return {case_id: request for case_id, request in found.items() if request is not None}


def _merged(standing: Iterable[Case], requests: Mapping[str, Sequence[_Origin]]) -> set[str]:
    """Case ids whose request has become the same as that of an older case."""
    asked = _requests_of(standing, requests)
    oldest: dict[str, str] = {}
    for case_id, request in asked.items():
        oldest.setdefault(request, case_id)
    return {case_id for case_id, request in asked.items() if oldest[request] != case_id}


def _grow(
    lake: Lake, project: str, suite: str, requests: Sequence[Sequence[_Origin]], now: datetime
) -> tuple[list[Case], int]:
    ids = [origin.episode_id for origins in requests for origin in origins]
    corrections = _corrections(lake, project, ids)
    chosen = [origin for origins in requests if (origin := _choose(origins, corrections))]
    episodes = _episodes(lake, project, [origin.episode_id for origin in chosen])
    grown = []
    for origin in chosen:
        row = episodes[origin.episode_id]
        drafted = draft(
            row["messages"],
            row["trainable"],
            success=origin.resolution == "success",
            correction=corrections.get(origin.episode_id),
        )
        if drafted is not None:
            grown.append(_case(project, suite, origin, row, drafted, now))
    return grown, len(requests) - len(grown)


def _choose(origins: Sequence[_Origin], corrections: Mapping[str, object]) -> _Origin | None:
    """The newest success, else the newest failure that was corrected, else the newest failure."""
    failures = [o for o in origins if o.resolution == "failure"]
    ranked = [
        *(o for o in origins if o.resolution == "success"),
        *(o for o in failures if o.episode_id in corrections),
        *failures,
    ]
    return ranked[0] if ranked else None


def _case(
    project: str,
    suite: str,
    origin: _Origin,
    row: Mapping[str, Any],
    drafted: Draft,
    now: datetime,
) -> Case:
    question = {"messages": list(drafted.messages), "tools": row["tools"]}
    content = digest(dump([question, drafted.target, drafted.scorer]))
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
    )


def _corrections(lake: Lake, project: str, episodes: Sequence[str]) -> dict[str, object]:
    rows = lake.rows(_sql()["corrections"], {"project": project, "episodes": list(episodes)})
    return {row["episode_id"]: json.loads(row["correction"]) for row in rows}


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


def _write(
    lake: Lake, project: str, suite: str, added: Sequence[Case], merged: set[str], now: datetime
) -> None:
    def work(tx: Transaction) -> None:
        tx.add_new("cases", added, on=["project", "suite", "case_id"])
        if merged:
            named = {"project": project, "suite": suite, "cases": sorted(merged), "now": now}
            tx.run(_sql()["retire_cases"], named)

    if added or merged:
        lake.write(work)


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")
