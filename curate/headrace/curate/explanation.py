"""Why an episode is, or is not, a duplicate: its partner, what they share, and how alike it is."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from headrace.curate.errors import UnknownEpisode
from headrace.curate.near.recipe import DUPLICATE
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Shared = Literal["transcript", "request", "task", "others"]


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """Two units of text and the share of their signatures that is equal, 0..1."""

    a: int
    b: int
    score: float


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """The episode that stands for another one."""

    episode_id: str
    shared: Shared  # task: what the product calls it; others: each is like a third one
    equal: bool  # word for word, once masked
    similarity: float | None  # the strongest tie of the explained episode, as decided
    path: tuple[Tie, ...]  # from its unit to that of the partner; empty where they are equal


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """Episodes of one outcome that ask nearly the same and are kept apart."""

    outcome: str
    episodes: int
    example: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What dedupe decided about one episode, and from what."""

    project: str
    episode_id: str
    outcome: str
    kept: bool
    reason: str  # unique, representative, duplicate
    cluster: str
    rank: int  # in its cluster, from 1
    size: int
    request: str | None  # masked, as it is compared
    steps: tuple[str, ...]
    partner: Partner | None  # None: it stands for itself
    relatives: tuple[Relative, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The decision in sentences."""
        return tuple(_sentences(self))


def explain(lake: Lake, episode_id: str, project: str | None = None) -> Explanation:
    """Explain what dedupe decided about an episode.

    Raises UnknownEpisode where there is none, where several projects have one of that name, and
    where no night has compared it yet.
    """
    row = _facts(lake, episode_id, project)
    other = None if row["kept"] else _facts(lake, row["because_of"], row["project"])
    given = {"project": row["project"], "episode": episode_id, "duplicate": row["cluster_id"]}
    relatives = lake.rows(_sql("relatives"), given)
    return Explanation(
        project=row["project"],
        episode_id=episode_id,
        outcome=row["outcome"],
        kept=row["kept"],
        reason=row["reason"],
        cluster=row["cluster_id"],
        rank=row["rank"],
        size=row["size"],
        request=row["said"],
        steps=tuple((row["steps"] or "").splitlines()),
        partner=None if other is None else _partner(lake, row, other),
        relatives=tuple(Relative(**one) for one in relatives),
    )


def _facts(lake: Lake, episode_id: str, project: str | None) -> Mapping[str, Any]:
    rows = lake.rows(_sql("facts"), {"episode": episode_id})
    found = [row for row in rows if project in (None, row["project"])]
    if not found:
        where = "" if project is None else f" in project {project!r}"
        raise UnknownEpisode(
            f"no episode {episode_id!r}{where}: `headrace status` counts them, and "
            "GET /v1/traces/{trace_id} names those of a trace"
        )
    if len(found) > 1:
        listed = ", ".join(repr(row["project"]) for row in found)
        raise UnknownEpisode(f"{episode_id!r} is in several projects: give --project, of {listed}")
    if found[0]["reason"] is None:
        raise UnknownEpisode(
            f"episode {episode_id!r} was not compared with others yet: run `headrace nightly`"
        )
    return found[0]


def _partner(lake: Lake, row: Mapping[str, Any], other: Mapping[str, Any]) -> Partner:
    shared: Shared = "others"
    path: tuple[Tie, ...] = ()
    equal = False
    named: Shared = "request" if row["request"] == row["asked"] else "task"
    kinds: Mapping[str, Shared] = {"request": named, "transcript": "transcript"}
    for kind, told in kinds.items():  # the transcript goes first where they share both
        if row[f"{kind}_dup"] is not None and row[f"{kind}_dup"] == other[f"{kind}_dup"]:
            shared, equal = told, row[kind] == other[kind]
            path = () if equal else _path(lake, row, other, kind)
    return Partner(
        episode_id=other["episode_id"],
        shared=shared,
        equal=equal,
        similarity=row["similarity"],
        path=path,
    )


def _path(
    lake: Lake, row: Mapping[str, Any], other: Mapping[str, Any], kind: str
) -> tuple[Tie, ...]:
    given = {"project": row["project"], "cluster": row[f"{kind}_dup"], "least": DUPLICATE}
    ties = [Tie(**tie) for tie in lake.rows(_sql("ties"), given)]
    return shortest(ties, row[kind], other[kind])


def shortest(ties: Sequence[Tie], start: int, end: int) -> tuple[Tie, ...]:
    """The fewest ties that lead from one unit to another; empty where none do."""
    around: dict[int, list[Tie]] = {}
    for tie in ties:
        around.setdefault(tie.a, []).append(tie)
        around.setdefault(tie.b, []).append(tie)
    came: dict[int, tuple[Tie, ...]] = {start: ()}
    waiting = deque([start])
    while waiting and end not in came:
        at = waiting.popleft()
        for tie in around.get(at, ()):
            to = tie.b if tie.a == at else tie.a
            if to not in came:
                came[to] = (*came[at], tie)
                waiting.append(to)
    return came.get(end, ())


def _sentences(told: Explanation) -> list[str]:
    said = [_verdict(told)]
    if told.partner is not None:
        said.append(_likeness(told, told.partner))
    for one in told.relatives:
        said.append(
            f"{one.episodes:,} with the outcome {one.outcome} ask nearly the same and are kept "
            f"apart, such as {one.example}."
        )
    return said


def _verdict(told: Explanation) -> str:
    if told.partner is not None:
        return (
            f"Not trained on: {told.partner.episode_id} stands for it, the latest of {told.size:,} "
            f"with the outcome {told.outcome}."
        )
    if told.size > 1:
        return (
            f"Kept: it is the latest of {told.size:,} that are as good as the same, all with the "
            f"outcome {told.outcome}."
        )
    return f"Kept: nothing with the outcome {told.outcome} is as good as the same."


def _likeness(told: Explanation, partner: Partner) -> str:
    if partner.shared == "others":
        return "The two are not alike themselves: each is as good as the same as others between."
    steps = _steps(len(told.steps))
    if partner.equal and partner.shared == "task":
        return f"The product gives both the same task, done with {steps}."
    if partner.equal:
        return f"Their {partner.shared}s are equal once masked, with {steps}."
    ties = ", then ".join(f"{tie.score:.2f}" for tie in partner.path)
    through = "" if len(partner.path) == 1 else f" through {len(partner.path) - 1} between them"
    return f"Their {partner.shared}s are {ties} alike{through}, with {steps}."


def _steps(lines: int) -> str:
    if not lines:
        return "no tool calls in either"
    return "the same line of steps" if lines == 1 else f"the same {lines:,} lines of steps"


def _sql(name: str) -> str:
    return statements("headrace.curate", "explanation.sql")[name]
