"""Batches into a real lake: what is delivered twice stands there once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.reader import read
from headrace.lake import Lake

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
RECORDED = Path(__file__).parents[2] / "fixtures" / "otlp"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for all tests, a project for each: opening a lake takes long."""
    with Lake.open(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def told(answer: str, project: str, *, hours: int = 0, **fields: Any) -> Batch:
    """An episode `e` as the drain reads it."""
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": answer}]
    return read(
        Body(
            seq=1,
            signal="episodes",
            content_type="application/json",
            payload=json.dumps({"id": "e", "messages": said, **fields}).encode(),
            received_at=NOW + timedelta(hours=hours),
            project=project,
        )
    )


def put(lake: Lake, *batches: Batch) -> int:
    return lake.write(lambda tx: write(tx, Batch.union(batches)))


def revisions(lake: Lake, project: str) -> list[int]:
    query = "select revision from episodes where project = $project order by all"
    return [row["revision"] for row in lake.rows(query, {"project": project})]


def test_the_same_episode_again_adds_nothing(lake: Lake, project: str) -> None:
    assert put(lake, told("a", project), told("a", project)) == 1
    assert put(lake, told("a", project, hours=1)) == 0
    assert revisions(lake, project) == [1]


def test_other_content_under_the_same_id_is_the_next_revision(lake: Lake, project: str) -> None:
    assert put(lake, told("a", project), told("b", project)) == 2
    assert put(lake, told("b", project), told("c", project), told("a", "elsewhere")) == 2
    assert revisions(lake, project) == [1, 2, 3]
    assert revisions(lake, "elsewhere") == [1]


def test_a_revision_goes_back_to_what_was_said_before(lake: Lake, project: str) -> None:
    for answer in ("a", "b", "a"):
        assert put(lake, told(answer, project)) == 1
    query = "select metadata from episodes where project = $project order by revision"
    first, second, third = (row["metadata"] for row in lake.rows(query, {"project": project}))
    assert first == third != second


def test_an_empty_batch_writes_nothing(lake: Lake, project: str) -> None:
    assert put(lake, Batch()) == put(lake) == 0
    assert revisions(lake, project) == []


def test_of_two_marks_under_one_id_the_last_stands(lake: Lake, project: str) -> None:
    def mark(success: bool) -> Batch:
        payload = json.dumps({"id": "m", "episode": "e", "success": success}).encode()
        return read(
            Body(
                seq=1,
                signal="outcomes",
                content_type="application/json",
                payload=payload,
                received_at=NOW,
                project=project,
            )
        )

    query = "select success from outcomes where project = $project"
    put(lake, mark(True), mark(False))
    assert lake.rows(query, {"project": project}) == [{"success": False}]
    put(lake, mark(True))
    assert lake.rows(query, {"project": project}) == [{"success": True}]


def test_an_outcome_alone_makes_no_revision(lake: Lake, project: str) -> None:
    put(lake, told("a", project, outcome=True))
    assert put(lake, told("a", project, outcome=False)) == 0
    assert revisions(lake, project) == [1]
    query = "select success from outcomes where project = $project"
    assert lake.rows(query, {"project": project}) == [{"success": False}]


def test_a_trace_delivered_twice_is_stored_once(lake: Lake) -> None:
    body = Body(
        seq=1,
        signal="traces",
        content_type="application/x-protobuf",
        payload=(RECORDED / "openinference_openai" / "tools" / "002-traces.bin").read_bytes(),
        received_at=NOW,
    )
    put(lake, read(body), read(body))
    put(lake, read(body))
    [counts] = lake.rows(
        "select count(*) as spans, count(distinct span_id) as ids, "
        "sum(len(input)) as sent from spans"
    )
    assert (counts["spans"], counts["ids"]) == (7, 7)
    known = lake.rows(
        "select count(*) as n from (select unnest(input || output) as hash from spans) "
        "semi join messages using (hash)"
    )
    said = lake.rows("select count(*) as n from (select unnest(input || output) from spans)")
    assert known == said
    assert lake.rows("select count(*) = count(distinct hash) as once from messages")[0]["once"]


def carried(score: float, at: int, project: str) -> Batch:
    """A carrier span of OpenInference that speaks of a trace under one identifier."""
    fields = {"name": "q", "score": score, "identifier": "fb-1", "annotator_kind": "HUMAN"}
    own = {f"trace.annotations.0.annotation.{key}": value for key, value in fields.items()}
    kinds = {str: "stringValue", float: "doubleValue"}
    attributes = [
        {"key": key, "value": {kinds[type(value)]: value}}
        for key, value in {**own, "openinference.span.kind": "EVALUATOR"}.items()
    ]
    span = {
        "traceId": f"{at:032x}",
        "spanId": f"{at:016x}",
        "name": "feedback",
        "startTimeUnixNano": str(at * 10**9),
        "endTimeUnixNano": str(at * 10**9),
        "attributes": attributes,
        "links": [{"traceId": "a" * 32, "spanId": "b" * 16}],
    }
    payload = {"resourceSpans": [{"scopeSpans": [{"scope": {}, "spans": [span]}]}]}
    return read(
        Body(
            seq=at,
            signal="traces",
            content_type="application/json",
            payload=json.dumps(payload).encode(),
            received_at=NOW,
            project=project,
        )
    )


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
@pytest.mark.parametrize("together", [True, False])
def test_of_the_revisions_of_a_named_mark_the_latest_stands_in_any_order(
    order: tuple[int, ...], together: bool, lake: Lake, project: str
) -> None:
    name = f"{project}{order}{together}"
    batches = [carried(at / 4, at, name) for at in order]
    if together:
        put(lake, *batches)
    else:
        for batch in batches:
            put(lake, batch)
    found = lake.rows("select score from outcomes where project = $project", {"project": name})
    assert found == [{"score": 0.75}]
