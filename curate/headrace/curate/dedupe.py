"""Which episodes ask the same and which are the same; nothing is ever deleted.

Two runs of one request with different outcomes are the most telling data there is, so a duplicate
needs the same transcript *and* the same resolution. An episode is one document however many calls
it holds: call k + 1 repeats call k, and comparing calls would melt a run into one record.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from headrace.curate import ledger, unit
from headrace.curate.conversation import Conversation, conversations
from headrace.curate.step import StepResult
from headrace.lake.message import digest, dump
from headrace.lake.record import Cluster, Decision
from headrace.lake.store import Lake

STEP = "dedupe"
VERSION = f"dedupe/1 {unit.NORM}"

_NEVER = datetime.min.replace(tzinfo=UTC)

Clusters = Mapping[str, Sequence[Conversation]]


def dedupe(lake: Lake, project: str, *, now: datetime) -> StepResult:
    """Write the clusters `request` and `duplicate`, and for each episode whether it is kept."""
    episodes = conversations(lake, project)
    requests = _clustered(episodes, request_cluster)
    duplicates = _clustered(episodes, duplicate_cluster)
    decided = [row for same in duplicates.values() for row in _decisions(same, now)]
    ledger.commit(
        lake,
        [
            ledger.clusters(lake, project, "request", _rows("request", requests)),
            ledger.clusters(lake, project, "duplicate", _rows("duplicate", duplicates)),
            ledger.decisions(lake, project, STEP, decided),
        ],
    )
    return StepResult.of(STEP, decided, {"requests": len(requests)})


def request_cluster(episode: Conversation) -> str:
    """What an episode asks: the product's task, else its normalised request, else itself.

    The task is that of the whole run; a sub-agent in it was asked something of its own.
    """
    if episode.task is not None and episode.parent_episode_id is None:
        return "rq_" + digest(dump(["task", episode.task]))
    return named_request(episode.request) or "rq_" + digest(episode.episode_id)


def named_request(text: str) -> str | None:
    """The cluster of a request that no product named; None where nothing was asked."""
    name = unit.request_hash(text)
    return None if name is None else f"rq_{name}"


def duplicate_cluster(episode: Conversation) -> str:
    """What was said and what came of it; an episode in which nothing was said is only itself."""
    said = unit.transcript_hash(episode.messages) or episode.episode_id
    return "dp_" + digest(dump([said, episode.resolution]))


def _clustered(episodes: Iterable[Conversation], name: Callable[[Conversation], str]) -> Clusters:
    """The members of each cluster, the representative (the latest) first."""
    found: dict[str, list[Conversation]] = {}
    for episode in sorted(episodes, key=_age, reverse=True):
        found.setdefault(name(episode), []).append(episode)
    return found


def _age(episode: Conversation) -> tuple[datetime, str]:
    return episode.started_at or _NEVER, episode.episode_id


def _rows(method: str, clusters: Clusters) -> Iterator[Cluster]:
    for cluster_id, members in clusters.items():
        for member in members:
            yield Cluster(
                project=member.project,
                method=method,
                cluster_id=cluster_id,
                episode_id=member.episode_id,
                representative=member is members[0],
                similarity=1.0,
            )


def _decisions(same: Sequence[Conversation], now: datetime) -> Iterator[Decision]:
    first, *others = same
    yield _decision(first, now, kept=True, reason="representative" if others else "unique")
    for other in others:
        yield _decision(other, now, kept=False, reason="duplicate", of=first)


def _decision(
    episode: Conversation,
    now: datetime,
    *,
    kept: bool,
    reason: str,
    of: Conversation | None = None,
) -> Decision:
    return Decision(
        project=episode.project,
        step=STEP,
        version=VERSION,
        episode_id=episode.episode_id,
        kept=kept,
        reason=reason,
        because_of=of.episode_id if of else None,
        similarity=1.0 if of else None,
        at=now,
    )
