"""Curation of real runs: whatever kills it, however the nights fall, the same tables come out."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from headrace.console.sample import Run, observed_tools, taubench
from headrace.curate import backlog
from headrace.curate.unit import request_text
from headrace.evals.errors import NoEvalEpisodes
from headrace.flows.context import Context
from headrace.flows.step import STEPS
from headrace.lake import Lake
from headrace.lake.message import Message, dump
from headrace.lake.record import Episode, Outcome
from headrace.lake.store import Transaction

T = TypeVar("T")

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ARRIVED = NOW - timedelta(hours=1)
PROJECT = "airline"
RUNS = 32
LAST = "review" if "review" in STEPS else "pair"  # the last step of curation
CURATION = [name for name in list(STEPS)[: list(STEPS).index(LAST) + 1] if name != "replay"]
LEFT = {  # what tells when, not what, and what the lake keeps about itself
    "migrations", "nights", "cluster_events", "pair_events", "embeddings",
}  # fmt: skip
TIMES = {"at", "added_at", "picked_at", "received_at", "started_at", "ended_at"}


class Killed(BaseException):
    """As from outside: no step may swallow it."""


def put(lake: Lake, runs: Sequence[Run]) -> None:
    """Runs as a product posts them, one after the other, each with its outcome.

    The review queue is short: one that holds all there is draws a few more each night.
    """
    (lake.settings.home / "headrace.toml").write_text("review_size = 8\n")
    arrived = {run.run_id: ARRIVED + timedelta(seconds=i) for i, run in enumerate(taubench(NOW))}
    seen = observed_tools(list(taubench(NOW)))
    tools = dump([{"type": "function", "function": tool} for tool in seen])
    messages = {m.hash: m for run in runs for m in map(Message.of, run.messages)}
    episodes = [
        Episode(
            project=PROJECT,
            episode_id=f"ep_{run.run_id}",
            revision=1,
            at=arrived[run.run_id],
            messages=tuple(Message.of(body).hash for body in run.messages),
            trainable=run.generated,
            tools=tools,
            request=request_text(run.messages, run.generated),
            started_at=run.started_at,
            release=run.release,
            metadata=dump({"task": run.task}),
        )
        for run in runs
    ]
    outcomes = [
        Outcome(
            project=PROJECT, outcome_id=run.run_id, target_kind="episode", source="product",
            target_id=f"ep_{run.run_id}", success=run.success, at=NOW, received_at=NOW,
        )
        for run in runs
    ]  # fmt: skip

    def write(tx: Transaction) -> None:
        tx.add_new("messages", list(messages.values()), on=["hash"])
        tx.append("episodes", episodes)
        tx.append("outcomes", outcomes)

    lake.write(write)


def curate(lake: Lake, out: Path) -> None:
    for name in CURATION:
        with suppress(NoEvalEpisodes):  # a small first night may have none
            STEPS[name](Context(lake=lake, project=PROJECT, now=NOW, out=out))


def tables(lake: Lake) -> dict[str, list[str]]:
    """Every row of every table, but for times."""
    found: dict[str, list[str]] = {}
    for (name,) in lake.sql(
        "select table_name from duckdb_tables() where not temporary"
    ).fetchall():
        if name in LEFT or name.startswith("ducklake_"):
            continue
        columns = [row["column_name"] for row in lake.rows(f"describe {name}")]
        kept = ", ".join(f'"{column}"' for column in columns if column not in TIMES)
        found[name] = sorted(map(repr, lake.sql(f"select {kept} from {name}").fetchall()))
    return found


def differences(one: Lake, other: Lake) -> dict[str, tuple[list[str], list[str]]]:
    """The tables that differ, with what only one of them has."""
    here, there = tables(one), tables(other)
    assert here.keys() == there.keys() and len(here) > 20
    return {
        name: (
            sorted(set(here[name]) - set(there[name]))[:3],
            sorted(set(there[name]) - set(here[name]))[:3],
        )
        for name in here
        if here[name] != there[name]
    }


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return list(taubench(NOW))[:RUNS]


@pytest.fixture(scope="module")
def small_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog, "CHUNK", 20)
        patch.setattr("headrace.curate.units.BATCH", 20)
        yield


@pytest.fixture(scope="module")
def key() -> Iterator[None]:
    """One key for all lakes, or each would have surrogates of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_SCRUB_KEY", "5a" * 32)
        yield


@pytest.fixture(scope="module")
def calm(
    runs: list[Run], key: None, small_chunks: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lake]:
    """A lake that one night curated undisturbed."""
    home = tmp_path_factory.mktemp("calm")
    with Lake.open(home) as lake:
        put(lake, runs)
        curate(lake, home / "sets")
        yield lake


def test_another_night_writes_nothing(calm: Lake, tmp_path: Path) -> None:
    wrote = []
    for name in CURATION:
        before = calm.snapshot_id
        STEPS[name](Context(lake=calm, project=PROJECT, now=NOW, out=tmp_path))
        wrote += [name] * (calm.snapshot_id > before)
    assert wrote == []


def test_every_step_left_something_to_compare(calm: Lake) -> None:
    told = tables(calm)
    for name in ("scrubbed", "text_units", "edges", "clusters", "splits", "decisions", "votes"):
        assert told[name], name


@pytest.mark.usefixtures("all_cores")
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_and_restarted_it_ends_as_if_undisturbed(
    seed: int, calm: Lake, runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    write: Callable[..., Any] = Lake.write

    def mortal(lake: Lake, work: Callable[[Transaction], T]) -> T:
        fate = chance.random()
        if fate < 0.15:
            raise Killed
        done: T = write(lake, work)
        if fate > 0.85:
            raise Killed
        return done

    deaths = 0
    with Lake.open(tmp_path) as lake:
        put(lake, runs)
        with monkeypatch.context() as patch:
            patch.setattr(Lake, "write", mortal)
            while deaths < 12:
                try:
                    curate(lake, tmp_path / "sets")
                    break
                except Killed:
                    deaths += 1
        curate(lake, tmp_path / "sets")
        assert deaths > 2
        assert differences(lake, calm) == {}


@pytest.mark.usefixtures("all_cores")
def test_two_nights_in_sequence_equal_one_night_over_both(
    calm: Lake, runs: list[Run], tmp_path: Path
) -> None:
    with Lake.open(tmp_path) as lake:
        for part in (runs[: RUNS // 2], runs[RUNS // 2 :]):
            put(lake, part)
            curate(lake, tmp_path / "sets")
        # what people are asked to look at hangs on what was known that night
        assert differences(lake, calm).keys() <= {"review_items"}


@pytest.mark.parametrize("objective", ["sft", "kto"])
def test_decisions_explain_every_episode_that_is_not_exported(
    objective: str, calm: Lake, tmp_path: Path
) -> None:
    line = STEPS[objective](Context(lake=calm, project=PROJECT, now=NOW, out=tmp_path))
    assert line.kept
    silent = calm.rows(
        """
        with built as (
            select name, version from datasets where objective = $objective
            order by "at" desc limit 1
        ),
        exported as (
            select unnest(episode_ids) as episode_id from members
            where name = (select name from built) and version = (select version from built)
        ),
        explained as (
            select episode_id from decisions
            where step = 'export' and version = $objective and not kept and reason <> ''
        )
        select episode_id from current_episodes
        where episode_id not in (select episode_id from exported)
            and episode_id not in (select episode_id from explained)
        """,
        {"objective": objective},
    )
    assert silent == []
