"""Pairs of agent runs that other people recorded, whose outcomes an environment decided.

Each run is told with the task that it was given, as a product would tell it; none is known to be a
copy of another. `facts.json` counts all successes against all failures of each task: more pairs
there cannot be.
"""

import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from headrace.curate.pair import pair
from headrace.curate.pairs.dialogue import key
from headrace.curate.scrubbing import scrub
from headrace.curate.step import StepResult
from headrace.curate.unit import request_text
from headrace.curate.units import units
from headrace.exporters.selection import select
from headrace.ingest.messages import canonical
from headrace.lake import Lake
from headrace.lake.message import Body, Message, dump
from headrace.lake.record import Cluster, Decision, Episode, PairRow, Resolved, SplitGroup

DATA = Path(__file__).parents[3].parent / "shared" / "data"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
PROJECT = "runs"
DOJO = "agentdojo/banking_slack_2024h1_models.jsonl.zst"
FACTS = {
    "taubench/gpt4o_airline_tasks_0_34.jsonl.gz": "dev/taubench/gpt4o_airline_tasks_0_34",
    "tau2/sft_before_after.jsonl.gz": "dev/tau2/sft_before_after",
    "tau2/agents.jsonl.gz": "dev/tau2/agents",
    DOJO: "dev/agentdojo/banking_slack_2024h1_models",
}
LEAST = {"tau2/sft_before_after.jsonl.gz": 4, "tau2/agents.jsonl.gz": 3, DOJO: 10}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the runs are not beside this checkout")


def rows(file: str) -> Iterator[dict[str, Any]]:
    with (DATA / file).open("rb") as raw:
        if file.endswith(".gz"):
            with gzip.open(raw, "rt", encoding="utf-8") as lines:
                yield from map(json.loads, lines)
        else:
            whole = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
            yield from map(json.loads, io.BufferedReader(whole))


def wanted(file: str) -> list[dict[str, Any]]:
    """All runs of a file; of the largest one those of three tasks, under every attack."""
    if file != DOJO:
        return list(rows(file))
    tasks = {"user_task_0", "user_task_5", "user_task_11"}
    return [row for row in rows(file) if row["user_task_id"] in tasks]


def bodies(row: dict[str, Any]) -> list[Body]:
    told = row.get("traj") or row.get("messages") or [
        {"role": "user", "content": row["question"]},
        *({"role": "assistant", "content": each["content"]} for each in row["history"]),
    ]  # fmt: skip
    return canonical([_called(message) for message in told])


def _called(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the dojo in the shape of everybody else."""
    calls = message.get("tool_calls") or []
    if not calls or "args" not in calls[0]:
        return message
    made = [
        {
            "id": call.get("id") or f"call-{i}",
            "type": "function",
            "function": {"name": call["function"], "arguments": json.dumps(call["args"])},
        }
        for i, call in enumerate(calls)
    ]
    kept = {name: message[name] for name in ("role", "content")}
    return {**kept, "tool_calls": made}


class Loaded:
    """Runs in a lake, with all that stands before pairs are made."""

    def __init__(self, lake: Lake, runs: list[dict[str, Any]]) -> None:
        self.lake = lake
        self.told = {f"e{i:04}": row["_meta"] for i, row in enumerate(runs)}
        self.messages = {f"e{i:04}": bodies(row) for i, row in enumerate(runs)}
        lake.write(lambda tx: [tx.append(table, held) for table, held in self._tables().items()])
        scrub(lake, PROJECT, now=NOW)
        units(lake, PROJECT, now=NOW)

    def paired(self) -> tuple[StepResult, list[PairRow]]:
        found = pair(self.lake, PROJECT, now=NOW)
        return found, msgspec.convert(self.lake.rows("from pairs"), list[PairRow])

    def _tables(self) -> dict[str, list[Any]]:
        said = {name: [Message.of(body) for body in told] for name, told in self.messages.items()}
        names = list(self.told)
        return {
            "messages": list({one.hash: one for each in said.values() for one in each}.values()),
            "episodes": [self._episode(i, name, said[name]) for i, name in enumerate(names)],
            "resolutions": [self._resolved(name) for name in names],
            "clusters": [self._cluster(name) for name in names],
            "splits": [
                SplitGroup(project=PROJECT, group_id=f"g-{name}", split="train", at=NOW)
                for name in names
            ],
            "decisions": [self._clean(name) for name in names],
        }

    def _episode(self, place: int, name: str, said: list[Message]) -> Episode:
        own = tuple(message.role == "assistant" for message in said)
        about = self.told[name]
        return Episode(
            project=PROJECT,
            episode_id=name,
            revision=1,
            at=NOW,
            messages=tuple(message.hash for message in said),
            trainable=own,
            model=about["model"],
            release=about["release"],
            started_at=NOW + timedelta(seconds=place),
            request=request_text(self.messages[name], own),
            metadata=dump({"task": about["group"]}),
        )

    def _resolved(self, name: str) -> Resolved:
        outcome: Any = "success" if self.told[name]["outcome"] else "failure"
        where: dict[str, Any] = {"project": PROJECT, "episode_id": name}
        return Resolved(**where, resolution=outcome, at=NOW, resolved_by="product")

    def _cluster(self, name: str) -> Cluster:
        where: dict[str, Any] = {"project": PROJECT, "episode_id": name}
        return Cluster(**where, method="group", cluster_id=f"g-{name}", representative=True)

    def _clean(self, name: str) -> Decision:
        return Decision(
            project=PROJECT,
            episode_id=name,
            step="decontaminate",
            version="1",
            kept=True,
            reason="clean",
            revision=1,
            at=NOW,
        )


@pytest.mark.parametrize("file", FACTS)
def test_pairs_of_real_runs_are_within_bounds_and_none_is_mispaired(
    file: str, tmp_path: Path
) -> None:
    facts = json.loads((DATA / "facts.json").read_text())[FACTS[file]]
    with Lake.open(tmp_path) as lake:
        loaded = Loaded(lake, wanted(file))
        found, pairs = loaded.paired()
    assert LEAST.get(file, 0) <= len(pairs) <= facts["success_x_failure_pairs_within_group"]
    groups = {loaded.told[row.chosen]["group"] for row in pairs}
    assert len(groups) <= facts["groups_with_success_and_failure"]
    for row in pairs:
        good, bad = loaded.told[row.chosen], loaded.told[row.rejected]
        assert good["outcome"] and not bad["outcome"]
        assert good["group"] == bad["group"]
        one, other = (loaded.messages[name] for name in (row.chosen, row.rejected))
        assert row.turn is not None
        assert [key(m) for m in one[: row.turn]] == [key(m) for m in other[: row.turn]]
        yes, no = one[row.turn], other[row.turn]
        assert yes["role"] == no["role"] == "assistant" and key(yes) != key(no)
    assert found.seen == len(loaded.told)  # each run is in a pair or has a reason
    assert found.kept + sum(found.dropped.values()) == found.seen


def test_failures_alone_make_no_pair_and_no_example(tmp_path: Path) -> None:
    runs = list(rows("who_when/algorithm_generated.jsonl.gz"))[:60]
    with Lake.open(tmp_path) as lake:
        loaded = Loaded(lake, runs)
        found, pairs = loaded.paired()
        examples = select(lake, PROJECT, "sft")
    assert pairs == [] and found.kept == 0
    assert set(found.dropped) <= {"no_opposite", "tie"}
    assert len(examples.rows) == 0 and len(examples.against) == 60
