"""Scores that a project's rules make successes."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from headrace.curate.assemble import assemble
from headrace.curate.outcomes import resolve
from headrace.lake.record import Outcome
from headrace.lake.store import Lake
from headrace.lake.threshold import Threshold, parsed
from tests.unit.curate.conftest import NOW, T0, World

HELPFUL = {"helpfulness": parsed(">= 0.7")}


@pytest.mark.parametrize(
    ("success", "score", "corrected", "rule", "expected"),
    [
        (None, 0.7, False, ">= 0.7", "success"),
        (None, 0.69, False, ">= 0.7", "failure"),
        (None, 0.7, False, "> 0.7", "failure"),
        (None, 0.1, False, "< 0.2", "success"),
        (None, 0.2, False, "<= 0.2", "success"),
        (None, 0.2, False, "== 0.2", "success"),
        (None, 0.3, False, "== 0.2", "failure"),
        (None, math.nan, False, ">= 0.7", "failure"),
        (None, math.nan, False, "< 0.7", "failure"),
        (None, 1.0, False, None, "pending"),
        (None, None, False, ">= 0.7", "pending"),
        (False, 1.0, False, ">= 0.7", "failure"),
        (True, 0.0, False, ">= 0.7", "success"),
        (None, 1.0, True, ">= 0.7", "failure"),
        (True, 1.0, True, ">= 0.7", "success"),
    ],
)
def test_a_rule_speaks_where_the_mark_itself_does_not(
    success: bool | None, score: float | None, corrected: bool, rule: str | None, expected: object,
    lake: Lake, talk: World,
) -> None:  # fmt: skip
    correction = '{"role": "assistant", "content": "No"}' if corrected else None
    put(lake, talk, success=success, score=score, correction=correction)
    rules = {} if rule is None else {"helpfulness": parsed(rule)}
    assert state(lake, talk, rules) == expected


def put(lake: Lake, world: World, **fields: Any) -> None:
    usual: dict[str, Any] = {
        "target_kind": "trace", "target_id": "a", "name": "helpfulness", "source": "judge",
        "outcome_id": str(fields), "at": T0,
    }  # fmt: skip
    outcome = Outcome(project=world.project, received_at=NOW, **usual | fields)
    lake.write(lambda tx: tx.upsert("outcomes", [outcome], on=["project", "outcome_id"]))


def state(lake: Lake, world: World, thresholds: Mapping[str, Threshold] = HELPFUL) -> str:
    waiting = timedelta(days=7)
    resolve(lake, world.project, now=NOW, waiting=waiting, thresholds=thresholds)
    sql = "select resolution from current_episodes where project = $project"
    [row] = lake.rows(sql, {"project": world.project})
    return str(row["resolution"])


@pytest.fixture
def talk(lake: Lake, world: World) -> World:
    world.agent_run("a")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    return world


def test_another_rule_resolves_anew_and_the_stored_mark_stays(lake: Lake, talk: World) -> None:
    put(lake, talk, score=0.75)
    assert state(lake, talk, {}) == "pending"
    assert state(lake, talk) == "success"
    assert state(lake, talk, {"helpfulness": parsed(">= 0.8")}) == "failure"
    assert state(lake, talk, {"toxicity": parsed("< 0.8")}) == "pending"
    where = {"project": talk.project}
    rows = lake.rows("select success, score from outcomes where project = $project", where)
    assert rows == [{"success": None, "score": 0.75}]


def test_a_score_by_a_rule_has_the_rank_of_its_source(lake: Lake, talk: World) -> None:
    put(lake, talk, score=0.9)
    put(lake, talk, source="model", name="outcome", success=False)
    assert state(lake, talk) == "success"
    put(lake, talk, source="user", name="thumb", success=False)
    assert state(lake, talk) == "failure"


def test_of_one_name_the_later_score_counts(lake: Lake, talk: World) -> None:
    put(lake, talk, score=0.9, at=T0 + timedelta(hours=1))
    put(lake, talk, score=0.1)
    assert state(lake, talk) == "success"
