"""Recorded feedback of unmodified SDKs reaches the episodes it is about, in any order."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from headrace.curate.assemble import assemble
from headrace.curate.outcomes import resolve
from headrace.ingest.batch import Body, write
from headrace.ingest.lookup import Lookup
from headrace.ingest.reader import read
from headrace.lake.settings import Settings
from headrace.lake.store import Lake
from headrace.lake.threshold import parsed
from tests.recorded import NOW, Entry, entries

WEEK = timedelta(days=7)
MARKED = [entry for entry in entries() if any("marks" in one for one in entry.episodes)]
ORPHANS = "otel_genai_evaluation/pydantic_evals_online"
LATE = "otel_genai_evaluation/late_mark"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


def entry(name: str) -> Entry:
    [found] = [one for one in entries() if one.id == name]
    return found


def deliver(lake: Lake, bodies: list[Body]) -> None:
    for body in bodies:
        lake.write(partial(write, batch=read(body)))


def marks(lake: Lake, project: str, tmp_path: Path) -> list[list[dict[str, Any]]]:
    """The marks of each episode, as the sidecar tells them."""
    lookup = Lookup(Settings(home=tmp_path), lake)
    sql = "select episode_id from current_episodes where project = $project"
    names = [row["episode_id"] for row in lake.rows(sql, {"project": project})]
    found = [lookup.episode(name, project) for name in names]
    return [told for told in ([_told(mark) for mark in one["outcomes"]] for one in found if one)]


def _told(mark: dict[str, Any]) -> dict[str, Any]:
    plain = mark["success"] if mark["label"] is None else None
    value = plain if mark["score"] is None else mark["score"]
    return {key: mark[key] for key in ("name", "label", "comment")} | {"value": value}


def _sorted(found: list[list[dict[str, Any]]]) -> list[list[str]]:
    """Comparable, whatever the order; 1 and 1.0 are one score, true is none."""
    plain = [
        [m | {"value": float(m["value"]) if type(m["value"]) is int else m["value"]} for m in one]
        for one in found
    ]
    return sorted(sorted(json.dumps(mark, sort_keys=True) for mark in one) for one in plain)


@pytest.mark.parametrize("order", ["in order", "marks first", "twice"])
@pytest.mark.parametrize("marked", MARKED, ids=lambda entry: entry.id)
def test_marks_are_what_was_said(marked: Entry, order: str, lake: Lake, tmp_path: Path) -> None:
    project = f"{marked.id} {order}"
    bodies = marked.bodies(project)
    deliver(lake, {"marks first": bodies[::-1], "twice": bodies * 2}.get(order, bodies))
    assemble(lake, project, now=NOW)
    expected = [one.get("marks", []) for one in marked.episodes]
    assert _sorted(marks(lake, project, tmp_path)) == _sorted(expected)


def test_there_are_recorded_marks() -> None:
    assert {one.id.partition("/")[0] for one in MARKED} >= {
        "logfire", "openinference_feedback", "otel_genai_evaluation",
    }  # fmt: skip


def test_evaluations_without_a_target_are_kept_and_mark_nothing(lake: Lake, tmp_path: Path) -> None:
    deliver(lake, entry(ORPHANS).bodies("orphans"))
    assemble(lake, "orphans", now=NOW)
    assert marks(lake, "orphans", tmp_path) == [[]]
    sql = "select count(*) as n from {} where project = 'orphans'"
    counts = [lake.rows(sql.format(table))[0]["n"] for table in ("log_events", "outcomes")]
    assert counts == [3, 0]


def test_a_late_evaluation_of_a_response_resolves_by_a_rule_that_may_change(lake: Lake) -> None:
    first, late = entry(LATE).bodies("late")
    deliver(lake, [first])
    assemble(lake, "late", now=NOW)
    assert state(lake) == "pending"
    assert state(lake, after=2 * WEEK) == "unmarked"
    relevance = _only(late, "relevance")
    deliver(lake, [relevance])
    assert state(lake, after=2 * WEEK) == "unmarked"
    assert state(lake, relevance=">= 4") == "success"
    assert state(lake, relevance="> 4") == "failure"
    assert state(lake, toxicity="< 5") == "pending"


def _only(body: Body, name: str) -> Body:
    """The body as one that carries nothing but the evaluation of that name."""
    request = ExportLogsServiceRequest.FromString(body.payload)
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            kept = [log for log in scope.log_records if name in str(log)]
            del scope.log_records[:]
            scope.log_records.extend(kept)
    return msgspec.structs.replace(body, payload=request.SerializeToString())


def state(lake: Lake, after: timedelta = timedelta(), **rules: str) -> str:
    thresholds = {name: parsed(rule) for name, rule in rules.items()}
    resolve(lake, "late", now=_end(lake) + after, waiting=WEEK, thresholds=thresholds)
    [row] = lake.rows("select resolution from current_episodes where project = 'late'")
    return str(row["resolution"])


def _end(lake: Lake) -> datetime:
    [row] = lake.rows("select ended_at from current_episodes where project = 'late'")
    ended: datetime = row["ended_at"]
    return ended
