"""Assembly over the lake: the groups that changed, a batch at a time, as new revisions."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.curate import assembly, ledger, release
from headrace.curate.assembly import Assembled, Library
from headrace.curate.component import components
from headrace.curate.price import Prices
from headrace.curate.step import StepResult
from headrace.lake.record import AssembledTrace, Decision, Episode, Span
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "assemble"
VERSION = "assemble/1"  # of the rules: under a new one every trace is assembled again
BATCH = 20_000  # spans in memory at a time

Group = list[AssembledTrace]  # the traces that are assembled together


def assemble(lake: Lake, project: str, *, now: datetime, batch: int = BATCH) -> StepResult:
    """Bring the episodes of a project up to its spans; a second run writes nothing.

    Only groups (a trace, or all traces of a conversation) are read whose spans changed since they
    were last assembled, about `batch` spans at a time. Each batch is one transaction: a run that
    dies is taken up where it stood. Posted and loaded episodes are left as they are.
    """
    counts: Counter[str] = Counter()
    prices = Prices.load(lake.settings)
    for groups in _batches(_changed_groups(lake, project, prices), batch):
        counts += _assemble_batch(lake, project, groups, now, prices)
    release.record(lake, project)
    kept, dropped = counts.pop("episodes", 0), counts.pop("no_content", 0)
    return StepResult(
        step=STEP,
        seen=kept + dropped,
        kept=kept,
        dropped={"no_content": dropped} if dropped else {},
        notes=dict(counts),
    )


def _changed_groups(lake: Lake, project: str, prices: Prices) -> list[tuple[int, Group]]:
    """The groups with a trace that changed, oldest first, with their number of spans."""
    sql = statements("headrace.curate")
    where = {"project": project, "version": f"{VERSION}:{prices.digest}"}
    rows = lake.rows(sql["trace_marks"], where)
    keys: dict[str, list[str]] = {row["trace_id"]: row["conversations"] for row in rows}
    # An episode that once reached over two traces must go when they part.
    for row in lake.rows(sql["wide_episodes"], {"project": project}):
        for trace_id in row["trace_ids"]:
            keys.get(trace_id, []).append(row["episode_id"])
    by_id = {row["trace_id"]: row for row in rows}
    groups = [[by_id[trace_id] for trace_id in group] for group in components(keys)]
    return [
        (sum(row["spans"] for row in group), [_trace(project, row) for row in group])
        for group in groups
        if any(row["changed"] for row in group)
    ]


def _trace(project: str, row: Mapping[str, Any]) -> AssembledTrace:
    return AssembledTrace(project=project, trace_id=row["trace_id"], fingerprint=row["fingerprint"])


def _batches(groups: Iterable[tuple[int, Group]], size: int) -> Iterator[list[Group]]:
    batch: list[Group] = []
    spans = 0
    for count, group in groups:
        batch.append(group)
        spans += count
        if spans >= size:
            yield batch
            batch, spans = [], 0
    if batch:
        yield batch


def _assemble_batch(
    lake: Lake, project: str, groups: Sequence[Group], now: datetime, prices: Prices
) -> Counter[str]:
    traces = [trace for group in groups for trace in group]
    where = {"project": project, "traces": [trace.trace_id for trace in traces]}
    spans, library = _spans(lake, where), _library(lake, where)
    found = [
        assembly.assemble(
            [span for trace in group for span in spans.get(trace.trace_id, ())],
            library,
            now=now,
            prices=prices,
        )
        for group in groups
    ]
    standing = {row.episode_id: row for row in _standing(lake, where)}
    changed = list(_revisions(found, standing, now))
    dropped = [row for one in found for row in _dropped(project, one, now)]
    ledger_change = ledger.decisions(lake, project, STEP, dropped, among=where["traces"])

    def write(tx: Transaction) -> None:
        tx.add_new("messages", [m for one in found for m in one.messages], on=["hash"])
        tx.append("episodes", changed)
        ledger_change.write(tx)
        tx.upsert("assembled_traces", traces, on=["project", "trace_id"])

    lake.write(write)
    return _counts(found, changed)


def _spans(lake: Lake, where: Mapping[str, object]) -> dict[str, list[Span]]:
    by_trace: dict[str, list[Span]] = {}
    for row in lake.rows(statements("headrace.curate")["spans_of_traces"], where):
        by_trace.setdefault(row["trace_id"], []).append(msgspec.convert(row, Span))
    return by_trace


def _library(lake: Lake, where: Mapping[str, object]) -> Library:
    sql = statements("headrace.curate")
    messages = lake.rows(sql["messages_of_traces"], where)
    toolsets = lake.rows(sql["toolsets_of_traces"], where)
    return Library(
        messages={row["hash"]: json.loads(row["body"]) for row in messages},
        tools={row["hash"]: json.loads(row["body"]) for row in toolsets},
    )


def _standing(lake: Lake, where: Mapping[str, object]) -> list[Episode]:
    """The last revisions of the episodes that were assembled from these traces."""
    rows = lake.rows(statements("headrace.curate")["episodes_of_traces"], where)
    return [msgspec.convert(row, Episode) for row in rows]


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
    for trace_id in found.empty:
        yield Decision(
            project=project,
            step=STEP,
            version=VERSION,
            episode_id=trace_id,  # there is no episode: the trace is what one can look up
            kept=False,
            reason="no_content",
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
    )
