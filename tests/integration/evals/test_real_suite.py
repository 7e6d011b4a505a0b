"""A suite from 140 recorded airline conversations, and the same benchmark's answers as cases."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from headrace.curate.conversation import conversations
from headrace.curate.decontaminate import decontaminate
from headrace.curate.dedupe import dedupe
from headrace.curate.outcomes import resolve
from headrace.curate.scrubbing import scrub
from headrace.curate.split import split
from headrace.curate.unit import opening_text, request_hash
from headrace.curate.units import units
from headrace.curate.wall.item import Item
from headrace.evals.addition import Added, add
from headrace.evals.case import Built, build, cases
from headrace.evals.cases.caserow import CasePicks
from headrace.evals.coverage import coverage
from headrace.ingest.load import load
from headrace.ingest.picks import Picks
from headrace.lake.store import Lake
from tests.integration.curate.conftest import DATA

FILE = DATA / "taubench" / "gpt4o_airline_tasks_0_34.jsonl.gz"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
P = "airline"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs the recorded runs of tau-bench")


@pytest.fixture(scope="module")
def airline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    picks = Picks(
        messages="traj",
        success="reward == `1.0`",
        task="_meta.task",
        release="_meta.release",
        metadata="{intent: info.task.actions[-1].name || 'refusal'}",
    )
    with Lake.open(tmp_path_factory.mktemp("airline") / "home") as lake:
        load(lake, [FILE], picks, project=P, now=NOW)
        resolve(lake, P, now=NOW, waiting=timedelta(days=1))
        scrub(lake, P, now=NOW)
        units(lake, P, now=NOW)
        dedupe(lake, P, now=NOW)
        split(lake, P, now=NOW)
        yield lake


@pytest.fixture(scope="module")
def built(airline: Lake) -> Built:
    return build(airline, P, size=8, now=NOW)


@pytest.fixture(scope="module")
def added(airline: Lake, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Added:
    picks = CasePicks(
        input="traj[?role=='user'].content | [0]",
        target="info.task.actions[].{name: name, arguments: kwargs}",
        id="_meta.src",
        cluster="_meta.task",
    )
    with gzip.open(FILE, "rt") as file:
        few = [line for line in file if json.loads(line)["task_id"] < 5]
    own = tmp_path_factory.mktemp("own") / "own.jsonl"
    own.write_text("".join(few))
    return add(airline, P, own, picks, suite="own", now=NOW)


def test_a_small_suite_spreads_over_what_customers_want(airline: Lake, built: Built) -> None:
    assert (built.added, built.kept) == (8, 0) and built.beyond > 0
    found = coverage(airline, P)
    assert found.named == found.intents > 3
    assert found.any.intents == min(8, sum(1 for _ in held(airline)))
    assert found.any.of_traffic is not None and 0 < found.any.of_traffic <= 1
    assert sum(gap.episodes for gap in found.uncovered) == round(
        found.episodes * (1 - found.any.of_traffic)
    )


def held(lake: Lake) -> Counter[str]:
    """Intents with a request in the eval split, where cases may be grown."""
    rows = lake.rows(
        "select e.metadata ->> '$.intent' as intent from current_episodes e "
        "join clusters c on c.episode_id = e.episode_id and c.method = 'group' "
        "join splits s on s.group_id = c.cluster_id and s.split = 'eval'"
    )
    return Counter(row["intent"] for row in rows)


def test_every_row_of_the_benchmark_is_a_case_of_calls(airline: Lake, added: Added) -> None:
    assert (added.rows, added.added, added.edited) == (20, 20, 0)
    assert added.by_scorer == {"tool_calls": 20}
    assert len({case.cluster for case in cases(airline, P, "own")}) == 5


def test_no_episode_that_asks_what_a_case_asks_may_be_trained_on(
    airline: Lake, added: Added
) -> None:
    decontaminate(airline, P, now=NOW)
    rows = airline.rows("select episode_id from decisions where step = 'decontaminate' and kept")
    kept = {row["episode_id"] for row in rows}
    asked = {
        name
        for case in cases(airline, P, "own")
        for name in Item.of("", json.loads(case.input)["messages"]).hashes
    }
    openings = {
        one.episode_id: request_hash(opening_text(one.messages))
        for one in conversations(airline, P)
    }
    asking = {name for name, opening in openings.items() if opening in asked}
    assert len(asking) >= 20 and kept
    assert not asking & kept
