"""Assembly over the lake: the groups that changed, as new revisions, in one pass."""

import fcntl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.curate import assembly, ledger, log_join, release
from headrace.curate.assembly import Assembled
from headrace.curate.batch import batches
from headrace.curate.feed import Feed
from headrace.curate.plan import Due, Plan, planned
from headrace.curate.price import Prices
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.lake.record import Decision, Episode
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "assemble"
VERSION = "assemble/2"  # of the rules: under a new one every trace is assembled again
BATCH = 50_000  # spans of a transaction, at least
BATCHES = 16  # transactions of a run: each looks into whole tables for rows that it must not repeat
RAW_RETIRED = "raw_retired"
MEMORY_MIB = 700  # of DuckDB; sorting spills beyond


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a group adds up to."""

    group: Due
    found: tuple[Assembled, ...]  # of its pieces
    changed: tuple[Episode, ...]  # new revisions


def assemble(
    lake: Lake,
    project: str,
    *,
    now: datetime,
    link: bool = False,
    batch: int = BATCH,
    told: Progress = silent,
) -> StepResult:
    """Bring the episodes of a project up to its spans; a second run writes nothing.

    Only groups of traces are read whose spans changed since they were last assembled; with `link`
    messages join traces where no conversation id does. Each batch is one transaction: a run that
    dies is taken up where it stood. Posted and loaded episodes are left as they are.
    """
    prices = Prices.load(lake.settings)
    version = ":".join([VERSION, prices.digest, *(["link"] if link else [])])
    counts: Counter[str] = Counter()
    done = 0
    with lake.within(MEMORY_MIB):
        late = _leave_late(lake, project, now)
        log_join.join(lake, project)
        todo = planned(lake, project, version, link=link)
        if todo is not None:
            results = _results(lake, project, todo, prices, link, now)
            for ready in batches(
                results, lambda one: one.group.spans, max(batch, todo.spans // BATCHES)
            ):
                counts += _commit(lake, project, ready, now)
                done += sum(one.group.spans for one in ready)
                told(done, todo.spans)
        with _alone(lake.settings.home):
            release.record(lake, project)
    kept, dropped = counts.pop("episodes", 0), counts.pop("no_content", 0)
    notes = counts | Counter({RAW_RETIRED: late} if late else {})
    return StepResult(
        step=STEP,
        seen=kept + dropped,
        kept=kept,
        dropped={"no_content": dropped} if dropped else {},
        notes=dict(notes),
    )


def _leave_late(lake: Lake, project: str, now: datetime) -> int:
    """Say of what came for a trace whose raw texts are gone that it is not read; how much it is.

    An episode that was made of half of its spans would take the place of a whole one.
    """
    given = {"project": project, "step": STEP}
    found = lake.rows(statements("headrace.curate")["late_spans"], given)
    rows = [left(project, row["name"], RAW_RETIRED, None, now) for row in found]
    if rows:
        lake.write(lambda tx: tx.add_new("decisions", rows, on=["project", "step", "episode_id"]))
    return len(rows)


def _results(
    lake: Lake, project: str, todo: Plan, prices: Prices, link: bool, now: datetime
) -> Iterator[Result]:
    feed = Feed(lake, project, todo)
    for group in todo:
        found = tuple(
            assembly.assemble(
                feed.spans(piece), feed.library(piece), now=now, link=link, prices=prices
            )
            for piece in group.pieces
        )
        standing = {episode.episode_id: episode for episode in feed.standing(group.number)}
        yield Result(group=group, found=found, changed=tuple(_revisions(found, standing, now)))


def _commit(lake: Lake, project: str, ready: Sequence[Result], now: datetime) -> Counter[str]:
    """Write what another night, running at the same time, has not assembled already."""
    with _alone(lake.settings.home):
        results = _unmoved(lake, project, ready)
        found = [one for result in results for one in result.found]
        changed = [episode for result in results for episode in result.changed]
        traces = [trace for result in results for trace in result.group.traces]
        dropped = [row for one in found for row in _dropped(project, one, now)]
        names = [trace.trace_id for trace in traces]
        ledger_change = ledger.decisions(lake, project, STEP, dropped, among=names)

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [m for one in found for m in one.messages], on=["hash"])
            tx.append("episodes", changed)
            ledger_change.write(tx)
            tx.upsert("assembled_traces", traces, on=["project", "trace_id"])

        if traces:
            lake.write(write)
    return _counts(found, changed)


def _unmoved(lake: Lake, project: str, ready: Sequence[Result]) -> list[Result]:
    """Those whose traces stand as they stood when they were read."""
    names = [trace.trace_id for result in ready for trace in result.group.traces]
    rows = lake.rows(
        statements("headrace.curate")["assembled"], {"project": project, "traces": names}
    )
    stands = {row["trace_id"]: row["fingerprint"] for row in rows}
    return [
        result
        for result in ready
        if all(
            stands.get(trace.trace_id) == before
            for trace, before in zip(result.group.traces, result.group.before, strict=True)
        )
    ]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the file lock under which assembly writes: two nights must not both add an episode."""
    with (home / "assembly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _revisions(
    found: Iterable[Assembled], standing: Mapping[str, Episode], now: datetime
) -> Iterator[Episode]:
    """What to append: new episodes, changed ones, and those whose chain now opens elsewhere."""
    wanted = {episode.episode_id: episode for one in found for episode in one.episodes}
    for name, episode in sorted(wanted.items()):
        stands = standing.get(name)
        if stands is None:
            yield episode
        elif _substance(stands) != _substance(episode):
            yield msgspec.structs.replace(episode, revision=stands.revision + 1)
    for name in sorted(standing.keys() - wanted.keys()):
        stands = standing[name]
        if not stands.superseded:
            yield msgspec.structs.replace(
                stands, revision=stands.revision + 1, superseded=True, at=now
            )


def _substance(episode: Episode) -> Episode:
    """An episode without what says when it was written."""
    return msgspec.structs.replace(episode, revision=1, at=datetime.min)


def _dropped(project: str, found: Assembled, now: datetime) -> Iterator[Decision]:
    """What no episode has, by its trace; what none trains, by its trace and span."""
    dropped: list[tuple[str, str, str | None]] = [
        (name, "no_content", None) for name in found.empty
    ]
    dropped += [(one.key, one.reason, one.episode_id) for one in found.untrained]
    for name, reason, home in dropped:
        yield left(project, name, reason, home, now)


def left(project: str, name: str, reason: str, home: str | None, now: datetime) -> Decision:
    """That what has the name was not read."""
    return Decision(
        project=project,
        step=STEP,
        version=VERSION,
        episode_id=name,
        kept=False,
        reason=reason,
        because_of=home,
        at=now,
    )


def _counts(found: Sequence[Assembled], changed: Sequence[Episode]) -> Counter[str]:
    return Counter(
        episodes=sum(len(one.episodes) for one in found),
        no_content=sum(len(one.empty) for one in found),
        no_content_calls=sum(sum(one.empty.values()) for one in found),
        new=sum(episode.revision == 1 for episode in changed),
        revised=sum(episode.revision > 1 and not episode.superseded for episode in changed),
        superseded=sum(episode.superseded for episode in changed),
        untrained=sum(len(one.untrained) for one in found),
    )
