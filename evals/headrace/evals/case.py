"""Cases grown from production: frozen eval items for requests that lie in the eval split."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.curate.draft import OUTCOME
from headrace.evals.cases import intent, origin
from headrace.evals.cases.origin import Origin
from headrace.evals.cases.stratum import Candidate, Mix, chosen
from headrace.evals.elsewhere import elsewhere
from headrace.evals.errors import EvalError, NoEvalEpisodes, UnknownCase
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

__all__ = ["OUTCOME", "SUITE", "Built", "Retired", "build", "cases", "retire"]

SUITE = "production"
SIZE = 500  # cases: from here on a gain of a few points shows
FAILURES = 0.5
_SHOWN = 5  # case ids that a refusal names

Requests = Mapping[str, Sequence[Origin]]


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build of a suite did; `by_scorer` and `failed` count the cases that stand now."""

    project: str
    suite: str
    added: int
    retired: int  # requests that turned out to be one: the older case stays
    kept: int
    waiting: int  # requests without a success or a failure yet
    beyond: int  # requests that the size left no room for
    failed: int  # cases whose request failed at least once
    by_scorer: Mapping[str, int]


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases were retired, which had been before, and how many stand now."""

    suite: str
    retired: tuple[str, ...]
    before: tuple[str, ...]
    standing: int


def build(
    lake: Lake,
    project: str,
    *,
    suite: str = SUITE,
    size: int = SIZE,
    failures: float = FAILURES,
    seed: int = 0,
    now: datetime,
) -> Built:
    """Add cases for requests of the eval split that never had one, up to `size` that stand.

    Live intents come in turns, then by traffic; `failures` is the share of cases whose request
    failed at least once, kept to where there is a choice. A request waits until one of its episodes
    is a success or a failure. No case that stands is changed. The same lake and seed give the same
    cases. Raises NoEvalEpisodes while the eval split is empty, and EvalError.
    """
    _check(size, failures)
    requests = _requests(lake, project)
    known = cases(lake, project, suite)
    asked = intent.requests_of(lake, project, known)
    merged = _merged(known, asked)
    kept = [case for case in known if case.retired_at is None and case.case_id not in merged]
    new = {name: requests[name] for name in requests.keys() - set(asked.values())}
    ready = {name: group for name, group in new.items() if any(one.ready for one in group)}
    told = {case.case_id: asked[case.case_id] for case in kept if case.case_id in asked}
    mix = Mix(share=failures, failed=_failed(told.values(), requests), cases=len(kept))
    drawn = _drawn(lake, project, ready, told, mix, size, seed)
    picked = [[one for one in ready[name] if one.ready] for name in drawn]
    added = origin.grown(lake, project, suite, picked, now=now)
    _write(lake, project, suite, added, merged, now)
    return Built(
        project=project,
        suite=suite,
        added=len(added),
        retired=len(merged),
        kept=len(kept),
        waiting=len(new) - len(ready),
        beyond=len(ready) - len(drawn),
        failed=mix.failed + _failed(drawn, requests),
        by_scorer=dict(sorted(Counter(case.scorer for case in [*kept, *added]).items())),
    )


def cases(lake: Lake, project: str, suite: str) -> list[Case]:
    """The cases of a suite, retired ones too, in the order in which they came."""
    where = {"project": project, "suite": suite}
    return [Case(**row) for row in lake.rows(_sql()["cases"], where)]


def retire(
    lake: Lake, project: str, case_ids: Sequence[str], *, suite: str = SUITE, now: datetime
) -> Retired:
    """Take cases out of use: scores of before stay, later runs and builds leave them out.

    Raises UnknownCase, and then retires none.
    """
    known = {case.case_id: case for case in cases(lake, project, suite)}
    standing = [name for name, case in known.items() if case.retired_at is None]
    if strange := [name for name in case_ids if name not in known]:
        raise UnknownCase(_unknown(project, suite, strange[0], standing))
    asked = dict.fromkeys(case_ids)
    gone = [name for name in asked if known[name].retired_at is None]
    _write(lake, project, suite, [], set(gone), now)
    return Retired(
        suite=suite,
        retired=tuple(gone),
        before=tuple(name for name in asked if name not in gone),
        standing=len(standing) - len(gone),
    )


def _check(size: int, failures: float) -> None:
    if size < 1:
        raise EvalError(f"size = {size}: a suite holds at least one case")
    if not 0 <= failures <= 1:
        raise EvalError(f"failures = {failures}: a share lies between 0 and 1")


def _requests(lake: Lake, project: str) -> Requests:
    requests = origin.candidates(lake, project)
    if not requests:
        raise NoEvalEpisodes(
            f"project {project!r} has no episode in the eval split yet: send traces, then run "
            f"`headrace nightly --project {project}`, which clusters and splits them"
            f"{elsewhere(lake, project)}"
        )
    return requests


def _merged(known: Sequence[Case], asked: Mapping[str, str]) -> set[str]:
    """Ids of standing cases from production whose request became that of an older one."""
    oldest: dict[str, str] = {}
    grown = [case.case_id for case in known if case.request and case.retired_at is None]
    for name in grown:
        oldest.setdefault(asked[name], name)
    return {name for name in grown if oldest[asked[name]] != name}


def _failed(names: Iterable[str], requests: Requests) -> int:
    """How many of the requests named failed at least once."""
    return sum(_has_failed(requests.get(name, ())) for name in names)


def _has_failed(origins: Iterable[Origin]) -> bool:
    return any(one.resolution == "failure" for one in origins)


def _drawn(
    lake: Lake,
    project: str,
    ready: Requests,
    told: Mapping[str, str],
    mix: Mix,
    size: int,
    seed: int,
) -> list[str]:
    """The requests that become cases; `told` are those of the cases that stay."""
    offered = [
        Candidate(request=name, intent=group[0].intent, failed=_has_failed(group))
        for name, group in ready.items()
    ]
    drawn = chosen(
        offered,
        size - mix.cases,
        standing=Counter(intent.intents_of(lake, project, told).values()),
        traffic={one.intent: one.episodes for one in intent.intents(lake, project)},
        mix=mix,
        seed=seed,
    )
    return [one.request for one in drawn]


def _write(
    lake: Lake,
    project: str,
    suite: str,
    added: Sequence[Case],
    gone: Collection[str],
    now: datetime,
) -> None:
    def work(tx: Transaction) -> None:
        tx.add_new("cases", added, on=["project", "suite", "case_id"])
        if gone:
            named = {"project": project, "suite": suite, "cases": sorted(gone), "now": now}
            tx.run(_sql()["retire_cases"], named)

    if added or gone:
        lake.write(work)


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")


def _unknown(project: str, suite: str, name: str, standing: Sequence[str]) -> str:
    shown = ", ".join(standing[:_SHOWN]) or "none"
    more = f" and {len(standing) - _SHOWN} more" if len(standing) > _SHOWN else ""
    return (
        f"suite {suite!r} of project {project!r} has no case {name!r}; standing are: {shown}{more}"
    )
