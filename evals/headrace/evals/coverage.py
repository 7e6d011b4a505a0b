"""How much of what production asks a suite has cases for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.evals import case
from headrace.evals.cases import intent
from headrace.evals.cases.intent import DAYS, Intent
from headrace.evals.cases.stratum import ENOUGH
from headrace.lake.store import Lake

_SHOWN = 20  # intents without a case, in a result
_CHARS = 120  # of what was asked


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The live intents with at least so many cases; shares of 0 to 1, None without any traffic."""

    cases: int
    intents: int
    of_intents: float | None
    of_traffic: float | None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A live intent without a case."""

    intent: str
    episodes: int
    of_traffic: float
    said: str  # what was asked in its newest episode, cut
    episode_id: str  # the newest, to be promoted


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the standing cases of a suite cover of the traffic of `since` to `until`."""

    project: str
    suite: str
    since: datetime | None  # exclusive; None: nothing was clustered yet
    until: datetime | None  # the newest episode of the lake
    episodes: int
    intents: int  # alive in that time
    named: int  # of them; the others are groups of equal requests
    narrow: int  # of them ask fewer than five different things: a case for each is all there is
    cases: int  # that stand
    outside: int  # of them stand for nothing that is alive
    any: Share
    enough: Share
    uncovered: tuple[Gap, ...]  # those with most traffic first


def coverage(lake: Lake, project: str, suite: str = case.SUITE) -> Coverage:
    """Live intents are those with an episode in the 30 days before the newest one of the lake.

    A case stands for the intent of its request as it is clustered today; a case from a file for
    that whose request it repeats, else for the intent that is named like its cluster.
    """
    known = intent.intents(lake, project)
    alive = [one for one in known if one.episodes]
    standing = [item for item in case.cases(lake, project, suite) if item.retired_at is None]
    places = intent.clusters_of(lake, project, standing, {one.intent for one in known})
    counts = Counter(places.values())
    until = known[0].until if known else None
    return Coverage(
        project=project,
        suite=suite,
        since=None if until is None else until - timedelta(days=DAYS),
        until=until,
        episodes=sum(one.episodes for one in alive),
        intents=len(alive),
        named=sum(one.named for one in alive),
        narrow=sum(one.requests < ENOUGH for one in alive),
        cases=len(standing),
        outside=len(standing) - sum(counts[one.intent] for one in alive),
        any=_share(alive, counts, 1),
        enough=_share(alive, counts, ENOUGH),
        uncovered=tuple(_gaps(alive, counts)),
    )


def _share(alive: Sequence[Intent], counts: Counter[str], least: int) -> Share:
    covered = [one for one in alive if counts[one.intent] >= least]
    traffic = sum(one.episodes for one in alive)
    return Share(
        cases=least,
        intents=len(covered),
        of_intents=len(covered) / len(alive) if alive else None,
        of_traffic=sum(one.episodes for one in covered) / traffic if traffic else None,
    )


def _gaps(alive: Sequence[Intent], counts: Counter[str]) -> Iterable[Gap]:
    traffic = sum(one.episodes for one in alive)
    missing = [one for one in alive if not counts[one.intent]]
    for one in missing[:_SHOWN]:
        yield Gap(
            intent=one.intent,
            episodes=one.episodes,
            of_traffic=one.episodes / traffic,
            said=" ".join(one.said.split())[:_CHARS],
            episode_id=one.newest,
        )
