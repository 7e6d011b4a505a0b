"""A night over 140 real conversations: the counts are those their authors published."""

from collections import defaultdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

from headrace.curate.assemble import assemble
from headrace.curate.conversation import conversations
from headrace.curate.decontaminate import decontaminate, leaks
from headrace.curate.dedupe import dedupe
from headrace.curate.outcomes import resolve
from headrace.curate.scrubbing import scrub
from headrace.curate.split import assignments, split
from headrace.curate.units import units
from headrace.lake.message import Message, dump
from headrace.lake.record import Case, Span
from headrace.lake.store import Lake, Transaction
from tests.integration.curate.conftest import PROJECT, T0, Run

NOW = T0 + timedelta(days=3)
WEEK = timedelta(days=7)


def test_a_night_over_real_conversations(runs: list[Run], tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        drain(lake, runs)
        before = lake.snapshot_id
        night(lake)
        check_episodes(lake, runs)
        check_splits(lake)
        check_cases(lake)
        done = lake.snapshot_id
        night(lake)
        assert done > before
        assert lake.snapshot_id == done


def drain(lake: Lake, runs: list[Run]) -> None:
    """Two deliveries, shuffled together and the outcomes before the traces."""
    spans = [span for run in runs for span in run.spans()]
    Random(1).shuffle(spans)
    messages = [message for run in runs for message in run.stored]
    lake.write(lambda tx: tx.append("outcomes", [run.outcome() for run in runs]))
    for part in (spans[: len(spans) // 2], spans[len(spans) // 3 :]):
        lake.write(partial(deliver, messages=messages, spans=part))


def deliver(tx: Transaction, *, messages: list[Message], spans: list[Span]) -> None:
    tx.add_new("messages", messages, on=["hash"])
    tx.upsert("spans", spans, on=["project", "trace_id", "span_id"])


def night(lake: Lake) -> None:
    assemble(lake, PROJECT, now=NOW)
    scrub(lake, PROJECT, now=NOW)
    units(lake, PROJECT, now=NOW)
    resolve(lake, PROJECT, now=NOW, waiting=WEEK)
    dedupe(lake, PROJECT, now=NOW)
    split(lake, PROJECT, now=NOW)
    decontaminate(lake, PROJECT, now=NOW)


def check_episodes(lake: Lake, runs: list[Run]) -> None:
    found = {c.trace_ids[0]: c for c in conversations(lake, PROJECT)}
    assert len(found) == len(runs) == 140
    for run in runs:
        episode = found[run.trace_id]
        spoken = [body["role"] == "assistant" for body in run.messages]
        last = max(i for i, is_spoken in enumerate(spoken) if is_spoken)
        heard = len(run.messages) if run.messages[-1]["role"] == "tool" else last + 1
        roles = [body["role"] for body in run.messages[:heard]]  # texts are scrubbed
        assert [body["role"] for body in episode.messages] == roles
        assert list(episode.trainable) == spoken[:heard]
    outcomes = defaultdict(set)
    for episode in found.values():
        outcomes[episode.task].add(episode.resolution)
    assert sum(episode.resolution == "success" for episode in found.values()) == 43
    assert len(outcomes) == 35
    assert sum(seen == {"success", "failure"} for seen in outcomes.values()) == 17
    # eleven ran the same steps of the same task to the same end as a later one
    assert sum(episode.representative for episode in found.values()) == 129


def check_splits(lake: Lake) -> None:
    sides = assignments(lake, PROJECT)
    by_task = defaultdict(set)
    for episode in conversations(lake, PROJECT):
        by_task[episode.task].add(sides[episode.episode_id])
    assert all(len(of_task) == 1 for of_task in by_task.values())
    assert set(sides.values()) == {"train", "test", "eval"}


def check_cases(lake: Lake) -> None:
    """Every held-out task as a case, and one request of the train side promoted to one."""
    sides = assignments(lake, PROJECT)
    episodes = {c.episode_id: c for c in conversations(lake, PROJECT)}
    held = [name for name, side in sides.items() if side == "eval"]
    free = [name for name, side in sides.items() if side != "eval"]
    cases = [
        Case(
            project=PROJECT, suite="production", case_id=name, scorer="outcome", content_hash=name,
            input=dump({"messages": episodes[name].messages[:2], "tools": None}), added_at=NOW,
            origin_episode_id=name,
        )
        for name in held
    ]  # fmt: skip
    lake.write(lambda tx: tx.append("cases", cases))
    result = decontaminate(lake, PROJECT, now=NOW)
    assert result.dropped["eval_split"] == len(held)
    clean = lake.rows("select episode_id from decisions where step = 'decontaminate' and kept")
    names = [row["episode_id"] for row in clean]
    assert len(names) > len(free) / 2
    assert leaks(lake, PROJECT, names) == []
    assert len(leaks(lake, PROJECT, held)) == len(held)
