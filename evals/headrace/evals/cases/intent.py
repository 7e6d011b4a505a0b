"""What production asks for: clusters of intents, their traffic, and the cases that stand for them.

An intent is what the product calls it (metadata `intent`), else a cluster by the method `intent`,
else the group of equal requests, which is finer than any intent.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.curate.unit import named_request, opening_text
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake

DAYS = 30  # before the newest episode of the lake, in which an intent is alive


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that people ask for."""

    intent: str
    named: bool  # False: a group of equal requests, for nobody said what it is
    until: datetime  # the newest episode of the lake
    episodes: int  # in the last `DAYS`; 0: no longer alive
    requests: int  # different ones among them
    newest: str  # an episode
    said: str  # what was asked in it


def intents(lake: Lake, project: str) -> list[Intent]:
    """The intents of a project, those with most traffic first."""
    rows = lake.rows(_sql()["intents"], {"project": project, "days": DAYS})
    return [Intent(**row) for row in rows]


def requests_of(lake: Lake, project: str, cases: Sequence[Case]) -> dict[str, str]:
    """Case id -> request: that of its episode today, else as it was grown, else by what it asks."""
    origins = sorted({case.origin_episode_id for case in cases if case.origin_episode_id})
    where = {"project": project, "episodes": origins}
    rows = lake.rows(_sql()["requests_of_episodes"], where)
    today = {row["episode_id"]: row["request"] for row in rows}
    found = {
        case.case_id: today.get(case.origin_episode_id or "") or case.request or _asked(case)
        for case in cases
    }
    return {case_id: request for case_id, request in found.items() if request is not None}


def intents_of(lake: Lake, project: str, requests: Mapping[str, str]) -> dict[str, str]:
    """Case id -> intent, for cases given by their requests; none where nobody asked it yet."""
    where = {"project": project, "requests": sorted(set(requests.values()))}
    rows = lake.rows(_sql()["intents_of_requests"], where)
    named = {row["request"]: row["intent"] for row in rows}
    return {case_id: named[name] for case_id, name in requests.items() if name in named}


def clusters_of(
    lake: Lake, project: str, cases: Sequence[Case], alive: Iterable[str]
) -> dict[str, str]:
    """Case id -> intent; a case whose own cluster is the name of one stands for that one."""
    known = set(alive)
    found = intents_of(lake, project, requests_of(lake, project, cases))
    own = {case.case_id: case.cluster for case in cases if case.cluster in known}
    return {**{name: cluster for name, cluster in own.items() if cluster}, **found}


def _asked(case: Case) -> str | None:
    return named_request(opening_text(json.loads(case.input).get("messages") or []))


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals.cases", "intent.sql")
