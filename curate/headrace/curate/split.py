"""Train, test and eval apart, by groups and for ever.

A group is whatever could give an answer away: the same request, the same transcript whatever its
outcome, the same conversation, the same run. It gets its split on first sight, by its name and a
seed, and keeps it: a case that moves from eval to train would make every later verdict a lie.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import get_args

import msgspec

from headrace.curate import ledger, unit
from headrace.curate.component import components
from headrace.curate.conversation import Conversation, conversations
from headrace.curate.dedupe import request_cluster
from headrace.curate.errors import SharesError
from headrace.curate.step import StepResult
from headrace.lake.message import digest, dump
from headrace.lake.record import Cluster, Decision, Split, SplitGroup
from headrace.lake.statement import statements
from headrace.lake.store import Lake

STEP = "split"
VERSION = f"split/1 {unit.NORM}"
METHOD = "group"
QUARANTINED = "quarantined"

# When a merge joins groups of different splits: what measures is protected from what trains.
_STRENGTH: Mapping[Split, int] = {"eval": 0, "test": 1, "train": 2}


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
    lake: Lake, project: str, *, now: datetime, seed: int = 0, shares: Shares | None = None
) -> StepResult:
    """Put every episode into a group and every new group into a split.

    Stored splits are never drawn again. Where new data join groups of different splits, eval wins
    (then test): the other side keeps its split and is quarantined from every export.
    """
    members = _members(lake, project)
    groups = {group.group_id: group for group in _groups(lake, project)}
    places: list[Place] = []
    for component in components({name: member.keys for name, member in members.items()}):
        joined = [members[name] for name in component]
        home = _home(joined, groups) or _new(project, component[0], now, seed, shares or Shares())
        places += _places(joined, home, groups)
        groups[home.group_id] = home
    _write(lake, project, places, groups.values(), now)
    return _result([place for place in places if place.member.current], groups)


def assignments(lake: Lake, project: str) -> dict[str, Split]:
    """The split of each current episode; quarantined ones are in none and left out."""
    rows = lake.rows(statements("headrace.curate")["assignments"], {"project": project})
    return {row["episode_id"]: row["split"] for row in rows}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An episode and all that it may share with others."""

    episode_id: str
    keys: tuple[Hashable, ...]
    group_id: str | None  # as stored
    current: bool = True  # False: superseded, remembered so that its heir stays in its group


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an episode belongs."""

    member: Member
    group_id: str
    because_of: str | None = None  # quarantined: an episode of the side that won


def _members(lake: Lake, project: str) -> dict[str, Member]:
    """The episodes of a project, oldest first, then those superseded that had a group."""
    sql, where = statements("headrace.curate"), {"project": project, "method": METHOD}
    rows = lake.rows(sql["standing_clusters"], where)
    stored = {row["episode_id"]: row["cluster_id"] for row in rows}
    found = {
        episode.episode_id: Member(
            episode_id=episode.episode_id,
            keys=tuple(_keys(episode, stored)),
            group_id=stored.get(episode.episode_id),
        )
        for episode in conversations(lake, project)
    }
    for row in lake.rows(sql["superseded_members"], where):
        found[row["episode_id"]] = Member(
            episode_id=row["episode_id"],
            keys=(("group", row["cluster_id"]), *_traces(row["trace_ids"])),
            group_id=row["cluster_id"],
            current=False,
        )
    return found


def _keys(episode: Conversation, stored: Mapping[str, str]) -> Iterator[Hashable]:
    yield "request", request_cluster(episode)
    asked = unit.request_hash(episode.request)
    if asked is not None:  # the same words under another task give its answer away too
        yield "asked", asked
    yield "transcript", unit.transcript_hash(episode.messages) or episode.episode_id
    yield "episode", episode.episode_id
    if episode.parent_episode_id is not None:
        yield "episode", episode.parent_episode_id
    if episode.conversation_id is not None:
        yield "conversation", episode.conversation_id
    if episode.episode_id in stored:
        yield "group", stored[episode.episode_id]
    yield from _traces(episode.trace_ids)


def _traces(trace_ids: Iterable[str]) -> Iterator[Hashable]:
    """The runs of an episode: two of one run see the same data, whatever else they share."""
    return (("trace", trace_id) for trace_id in trace_ids)


def _groups(lake: Lake, project: str) -> list[SplitGroup]:
    rows = lake.rows(statements("headrace.curate")["standing_splits"], {"project": project})
    return [SplitGroup(**row) for row in rows]


def _home(joined: Iterable[Member], groups: Mapping[str, SplitGroup]) -> SplitGroup | None:
    """The stored group that wins a component: the strongest split, then the oldest."""
    stored = {member.group_id for member in joined if member.group_id is not None}
    return min(
        (groups[name] for name in stored),
        key=lambda group: (_STRENGTH[group.split], group.at, group.group_id),
        default=None,
    )


def _new(project: str, oldest: str, now: datetime, seed: int, shares: Shares) -> SplitGroup:
    name = "gr_" + digest(dump([project, oldest]))
    return SplitGroup(project=project, group_id=name, split=shares.draw(name, seed), at=now)


def _places(
    joined: Sequence[Member], home: SplitGroup, groups: Mapping[str, SplitGroup]
) -> Iterator[Place]:
    winner = next((m.episode_id for m in joined if m.group_id == home.group_id), None)
    for member in joined:
        own = None if member.group_id is None else groups[member.group_id]
        if own is not None and own.split != home.split:
            yield Place(member=member, group_id=own.group_id, because_of=winner)
        else:
            yield Place(member=member, group_id=home.group_id)


def _write(
    lake: Lake, project: str, places: Sequence[Place], groups: Iterable[SplitGroup], now: datetime
) -> None:
    """Write groups, members and quarantine in one transaction, changes only."""
    quarantined = [_quarantine(project, p, now) for p in places if p.because_of is not None]
    standing = lake.rows(
        statements("headrace.curate")["quarantined"], {"project": project, "reason": QUARANTINED}
    )
    among = {row["episode_id"] for row in standing} | {row.episode_id for row in quarantined}
    ledger.commit(
        lake,
        [
            ledger.splits(lake, project, groups),
            ledger.clusters(lake, project, METHOD, _rows(project, places)),
            ledger.decisions(lake, project, "decontaminate", quarantined, among=among),
        ],
    )


def _rows(project: str, places: Iterable[Place]) -> Iterator[Cluster]:
    seen: set[str] = set()
    for place in places:
        yield Cluster(
            project=project,
            method=METHOD,
            cluster_id=place.group_id,
            episode_id=place.member.episode_id,
            representative=place.group_id not in seen,
        )
        seen.add(place.group_id)


def _quarantine(project: str, place: Place, now: datetime) -> Decision:
    return Decision(
        project=project,
        step="decontaminate",
        version=VERSION,
        episode_id=place.member.episode_id,
        kept=False,
        reason=QUARANTINED,
        because_of=place.because_of,
        at=now,
    )


def _result(places: Sequence[Place], groups: Mapping[str, SplitGroup]) -> StepResult:
    sizes = Counter(place.group_id for place in places)
    kept = Counter(groups[p.group_id].split for p in places if p.because_of is None)
    quarantined = sum(place.because_of is not None for place in places)
    return StepResult(
        step=STEP,
        seen=len(places),
        kept=kept.total(),
        dropped={QUARANTINED: quarantined} if quarantined else {},
        notes={
            **{name: kept[name] for name in get_args(Split)},
            "groups": len(sizes),
            "largest_group": max(sizes.values(), default=0),
        },
    )
