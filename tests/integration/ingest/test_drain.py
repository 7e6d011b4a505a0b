"""Recorded bodies through a real spool and drain: order, repetition and batches do not matter."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest.batch import Signal
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import Drain
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import Settings

RECORDED = Path(__file__).parents[2] / "fixtures" / "otlp"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE = "5b8efff798038103d269b633813fc60c"

Content = tuple[Signal, str, bytes]

# what one product sends: spans of two requests, an evaluation of the first, an episode, a mark
SENT: tuple[Content, ...] = (
    (
        "traces",
        PROTOBUF,
        (RECORDED / "otel_genai_evaluation/late_mark/001-traces.bin").read_bytes(),
    ),
    ("logs", PROTOBUF, (RECORDED / "otel_genai_evaluation/late_mark/002-logs.bin").read_bytes()),
    ("traces", PROTOBUF, (RECORDED / "openinference_openai/tools/002-traces.bin").read_bytes()),
    (
        "episodes",
        JSON,
        b'{"id": "e", "messages": [{"role": "user", "content": "hi"},'
        b' {"role": "assistant", "content": "hello"}]}',
    ),
    ("outcomes", JSON, b'{"id": "o", "episode": "e", "success": true}'),
)
TABLES = ("spans", "log_events", "outcomes", "episodes")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(Settings(home=tmp_path)) as opened:
        yield opened


def carry(lake: Lake, spool: Spool, *, limit: int = 1000) -> int:
    """Empty the spool; how many transactions that took."""
    with Bookmark(spool.path.with_name("drain.bookmark")) as bookmark:
        drain = Drain(lake, spool, bookmark, limit=limit, clock=lambda: NOON)
        return sum(1 for _ in iter(drain.carry, 0))


def put(spool: Spool, project: str | None, *sent: Content) -> None:
    for signal, content_type, payload in sent:
        spool.append(signal, content_type, project, payload, NOON).result()


def known(lake: Lake, project: str) -> dict[str, list[str]]:
    """All rows of a project, whatever their order, without its name."""
    return {
        table: sorted(
            json.dumps({**row, "project": None}, default=str, sort_keys=True)
            for row in lake.rows(f"select * from {table} where project = $p", {"p": project})
        )
        for table in TABLES
    }


def test_bodies_may_come_in_any_order_and_again(lake: Lake, spool: Spool) -> None:
    orders = list(itertools.permutations(SENT))[::17]
    for number, order in enumerate(orders):
        put(spool, f"order {number}", *order)
    put(spool, "twice", *SENT, *reversed(SENT))
    assert carry(lake, spool) == 1
    expected = known(lake, "order 0")
    assert all(expected.values())
    for number in range(1, len(orders)):
        assert known(lake, f"order {number}") == expected
    assert known(lake, "twice") == expected


@pytest.mark.parametrize("limit", [1, 2])
def test_how_bodies_fall_into_transactions_does_not_matter(
    lake: Lake, spool: Spool, limit: int
) -> None:
    put(spool, f"limit {limit} whole", *SENT)
    assert carry(lake, spool) == 1
    put(spool, f"limit {limit}", *SENT)
    assert carry(lake, spool, limit=limit) == -(-len(SENT) // limit)
    assert known(lake, f"limit {limit}") == known(lake, f"limit {limit} whole")


def test_a_second_delivery_days_later_changes_no_count(lake: Lake, spool: Spool) -> None:
    put(spool, "later", *SENT)
    carry(lake, spool)
    before = {table: len(rows) for table, rows in known(lake, "later").items()}
    messages = lake.rows("select count(*) as n from messages")
    put(spool, "later", *SENT)
    carry(lake, spool)
    assert {table: len(rows) for table, rows in known(lake, "later").items()} == before
    assert lake.rows("select count(*) as n from messages") == messages


def test_a_body_that_holds_up_nobody_is_set_aside_with_the_line_to_correct(
    lake: Lake, spool: Spool
) -> None:
    bad: Content = ("outcomes", JSON, b'{"id": "x", "episode": "e", "sucess": true}')
    put(spool, "bad", bad, SENT[4])
    carry(lake, spool)
    [letter] = lake.rows("select reason, body from dead_letters where project = 'bad'")
    assert "sucess" in letter["reason"]
    assert "success" in letter["reason"]  # the fields there are
    assert letter["body"] == bad[2]
    assert len(known(lake, "bad")["outcomes"]) == 1


def exported(number: int, resource: str | None, own: str | None) -> Content:
    """A span whose resource and whose own attributes may name a project."""

    def named(project: str | None) -> list[dict[str, Any]]:
        value = {"stringValue": project}
        return [] if project is None else [{"key": "headrace.project", "value": value}]

    span = {"traceId": TRACE, "spanId": f"{number + 1:016x}", "attributes": named(own)}
    scope = {"resource": {"attributes": named(resource)}, "scopeSpans": [{"spans": [span]}]}
    return ("traces", JSON, json.dumps({"resourceSpans": [scope]}).encode())


def marked(number: int, field: str | None) -> Content:
    fields = {} if field is None else {"project": field}
    mark = {"id": f"span {number}", "conversation": "c", "success": True, **fields}
    return ("outcomes", JSON, json.dumps(mark).encode())


def test_the_header_names_the_project_before_the_payload_does(lake: Lake, spool: Spool) -> None:
    spans = [  # header, resource, own attribute, whose it is
        ("header", "resource", "own", "header"),
        ("header", None, None, "header"),
        (None, "resource", "own", "resource"),
        (None, None, "own", "own"),
        (None, "", "own", "own"),
        (None, None, None, "default"),
    ]
    marks = [  # header, field, whose it is
        ("header", "field", "header"),
        (None, "field", "field"),
        (None, "", "default"),
        (None, None, "default"),
    ]
    for number, (header, resource, own, _) in enumerate(spans):
        put(spool, header, exported(number, resource, own))
    for number, (header, field, _) in enumerate(marks):
        put(spool, header, marked(number, field))
    carry(lake, spool)
    found = lake.rows(
        "select project from spans where trace_id = $trace order by span_id", {"trace": TRACE}
    )
    assert [row["project"] for row in found] == [project for *_, project in spans]
    found = lake.rows("select project from outcomes where target_id = 'c' order by outcome_id")
    assert [row["project"] for row in found] == [project for *_, project in marks]
