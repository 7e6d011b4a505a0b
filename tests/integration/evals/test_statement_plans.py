"""How the engine runs the statements of the room: no join squares the episodes of a project."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.lake.record import (
    Case,
    Cluster,
    Episode,
    Outcome,
    Release,
    Resolved,
    Run,
    Score,
    Span,
    SplitGroup,
)
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction
from tests.scrubbed import put

N = 2000
P = "shop"
T = datetime(2026, 11, 1, tzinfo=UTC)
FILES = (
    ("headrace.evals", "suite.sql"),
    ("headrace.evals", "statistics.sql"),
    ("headrace.evals.cases", "intent.sql"),
)
JOINING = [
    *[(p, f, n) for p, f in FILES for n, sql in statements(p, f).items() if "join" in sql],
    ("headrace.curate", "split.sql", "assignments"),
    ("headrace.curate", "split.sql", "members"),
    ("headrace.curate", "split.sql", "forward"),
    ("headrace.curate.wall", "wall.sql", "episodes"),
    ("headrace.curate.wall", "wall.sql", "stored"),
    ("headrace.curate.wall", "wall.sql", "burned"),
    ("headrace.curate", "conversation.sql", "conversations"),
    ("headrace.curate", "scrubbing.sql", "superseded"),
]
GIVEN: dict[str, object] = {
    "project": P,
    "suite": "production",
    "episodes": [f"e{i}" for i in range(N)],
    "scorer": "outcome",
    "judge": None,
    "days": 30,
    "waiting": True,
    "step": "scrub",
    "version": "1",
    "every": True,
    "cut": T,
    "requests": [f"request{i}" for i in range(N // 3)],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A project of 2,000 episodes, three per request, a third of the requests held out."""
    with Lake.open(tmp_path_factory.mktemp("plans") / "home") as lake:
        lake.write(fill)
        yield lake


def fill(tx: Transaction) -> None:
    episodes = [episode(i) for i in range(N)]
    tx.append("episodes", episodes)
    put(tx, episodes, ())
    tx.append("clusters", [cluster(m, i) for m in ("request", "group") for i in range(N)])
    tx.append("splits", [split(i) for i in range(N // 3 + 1)])
    tx.append("resolutions", [resolved(i) for i in range(N)])
    tx.append("spans", [span(i) for i in range(N)])
    tx.append("outcomes", [outcome(i) for i in range(N // 4)])
    tx.append("cases", [case(i) for i in range(N // 12)])
    tx.append("releases", [Release(project=P, release=f"v{i}", at=T) for i in range(5)])
    tx.append("runs", [run(i) for i in range(5)])
    tx.append("scores", [score(i, j) for i in range(5) for j in range(N // 12)])


def episode(i: int) -> Episode:
    return Episode(
        project=P,
        episode_id=f"e{i}",
        revision=1,
        at=T,
        messages=(),
        trainable=(),
        trace_ids=(f"t{i}",),
        span_ids=(f"s{i}",),
        release=f"v{i % 5}",
        started_at=T,
    )


def cluster(method: Any, i: int) -> Cluster:
    name = f"{method}{i // 3}"
    return Cluster(
        project=P, method=method, cluster_id=name, episode_id=f"e{i}", representative=True
    )


def split(i: int) -> SplitGroup:
    return SplitGroup(project=P, group_id=f"group{i}", split="train" if i % 3 else "eval", at=T)


def resolved(i: int) -> Resolved:
    return Resolved(project=P, episode_id=f"e{i}", resolution="success", at=T)


def span(i: int) -> Span:
    return Span(project=P, trace_id=f"t{i}", span_id=f"s{i}", kind="llm", name="", received_at=T)


def outcome(i: int) -> Outcome:
    return Outcome(
        project=P,
        outcome_id=f"o{i}",
        target_kind="span",
        target_id=f"s{i}",
        source="human",
        correction='"Paris"',
        received_at=T,
        at=T,
    )


def case(i: int) -> Case:
    return Case(
        project=P,
        suite="production",
        case_id=f"c{i}",
        input="{}",
        scorer="outcome",
        origin_episode_id=f"e{3 * i}",
        request=f"request{i}",
        content_hash=f"h{i}",
        added_at=T,
    )


def run(i: int) -> Run:
    name = f"v{i}"
    return Run(
        project=P, run_id=name, suite="production", release=name, status="success", started_at=T
    )


def score(i: int, j: int) -> Score:
    return Score(run_id=f"v{i}", case_id=f"c{j}", epoch=1, scorer="outcome", value=1.0)


@pytest.mark.parametrize(("package", "file", "name"), JOINING)
def test_no_statement_joins_tables_on_the_project_alone(
    shop: Lake, package: str, file: str, name: str
) -> None:
    sql = statements(package, file)[name]
    given = {key: GIVEN[key] for key in re.findall(r"\$(\w+)", sql)}
    joins = list(joins_of(shop, sql, given))
    assert joins
    assert [join for join in joins if is_product(*join)] == []


def joins_of(lake: Lake, sql: str, given: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Operator and conditions of every join in the plan."""
    [plan] = lake.rows(f"explain (format json) {sql}", given)
    waiting = json.loads(plan["explain_value"])
    while waiting:
        node = waiting.pop()
        waiting += node.get("children", [])
        if "JOIN" in node["name"] or "PRODUCT" in node["name"]:
            yield node["name"], node["extra_info"].get("Conditions")


def is_product(operator: str, conditions: object) -> bool:
    return operator != "HASH_JOIN" or conditions in ("project = project", None)
