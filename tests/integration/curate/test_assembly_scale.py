"""What keeps assembly linear: how many statements a night runs, and how they meet the tables."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.curate import assemble as assembling
from headrace.curate import plan
from headrace.curate.assemble import assemble
from headrace.lake.message import Message
from headrace.lake.record import Span
from headrace.lake.statement import statements
from headrace.lake.store import Lake

P = "shop"
T = datetime(2026, 11, 1, tzinfo=UTC)
READ = ("rows", "table", "stream", "write")
JOINING = (
    *("trace_marks", "trace_keys", "trace_links", "spans_of_pieces", "bodies_of_pieces"),
    *("named_by_pieces", "bodies_of_rows", "touched_episodes", "standing_episodes"),
    *("seen_releases", "told_by_rows", "first_prompts"),
)
GIVEN: dict[str, object] = {
    "project": P, "version": "v", "never": plan.NEVER, "long": 1_000, "first": T,
    "last": T + timedelta(days=9), "crowd": plan.CROWD, "seconds": plan.LINKED_S,
    "blocks": "10", "rows": 2_048, "behind": 1, "places": [0], "releases": ["r"],
}  # fmt: skip


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the lake is asked for what."""
    calls: Counter[str] = Counter()

    def counting(name: str, work: Callable[..., object]) -> Callable[..., object]:
        def call(*given: Any, **more: Any) -> object:
            calls[name] += 1
            return work(*given, **more)

        return call

    for name in READ:
        monkeypatch.setattr(Lake, name, counting(name, getattr(Lake, name)))
    return calls


def fill(lake: Lake, traces: int, at: int = 0) -> None:
    asked = [Message.of({"role": "user", "content": f"Question {i}"}) for i in range(traces)]
    reply = Message.of({"role": "assistant", "content": "Well."})
    spans = [
        Span(
            project=P, trace_id=f"t{i}", span_id="s", kind="llm", name="chat",
            received_at=T, started_at=T + timedelta(minutes=i), conversation_id=f"c{i // 2}",
            input=(asked[i].hash,), output=(reply.hash,), model="m", release="r",
        )
        for i in range(at, traces)
    ]  # fmt: skip
    lake.write(
        lambda tx: (
            tx.add_new("messages", [*asked, reply], on=["hash"]),
            tx.append("spans", spans),
        )
    )


def test_a_night_over_many_spans_asks_as_often_as_one_over_few(
    tmp_path: Path, counted: Counter[str]
) -> None:
    asked = []
    for traces in (200, 1_600):
        with Lake.open(tmp_path / str(traces)) as lake:
            fill(lake, traces)
            counted.clear()
            assert assemble(lake, P, now=T, batch=1).kept == traces
            asked.append(dict(counted))
    few, many = asked
    # Of 16 or 17 batches, each with two looks for rows that stand.
    assert all(many[name] <= few[name] + 2 for name in many)
    assert many["write"] <= assembling.BATCHES + 2


def test_a_late_span_in_a_large_lake_is_written_in_one_batch(
    tmp_path: Path, counted: Counter[str]
) -> None:
    with Lake.open(tmp_path) as lake:
        fill(lake, 400)
        assemble(lake, P, now=T)
        fill(lake, 401, at=400)
        counted.clear()
        assert assemble(lake, P, now=T).notes["new"] == 1
    assert counted["write"] <= 2


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A project of 2,000 traces, assembled, of which 100 are due again."""
    with Lake.open(tmp_path_factory.mktemp("plans")) as lake:
        fill(lake, 2_000)
        assemble(lake, P, now=T)
        lake.write(lambda tx: tx.run("update spans set user_id = 'u' where trace_id like 't19__'"))
        yield lake


@pytest.mark.parametrize("name", JOINING)
def test_no_statement_of_assembly_compares_every_row_with_every_other(
    shop: Lake, name: str
) -> None:
    sql = {**statements("headrace.curate"), **statements("headrace.curate", "release.sql")}
    found = plan.planned(shop, P, "assemble/1", link=False)
    assert found is not None
    marks = shop.table(sql["trace_marks"], {"project": P, "version": "v"})
    marks = marks.append_column("n", [range(len(marks))])
    tables = {"marks": marks, "places": found.places}
    for more, made_by in {"touched": "touched_episodes", "named": "named_by_pieces"}.items():
        tables[more] = shop.table(sql[made_by], given(sql[made_by]), tables)
    joins = list(joins_of(shop, sql[name], tables))
    assert joins
    assert [join for join in joins if is_product(*join)] == []


def joins_of(lake: Lake, sql: str, tables: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Operator and conditions of every join in the plan."""
    [row] = lake.table(f"explain (format json) {sql}", given(sql), tables).to_pylist()
    waiting = json.loads(row["explain_value"])
    while waiting:
        node = waiting.pop()
        waiting += node.get("children", [])
        if "JOIN" in node["name"] or "PRODUCT" in node["name"]:
            yield node["name"], node["extra_info"].get("Conditions")


def given(sql: str) -> dict[str, object]:
    return {key: GIVEN[key] for key in re.findall(r"\$(\w+)", sql)}


def is_product(operator: str, conditions: object) -> bool:
    return operator != "HASH_JOIN" or conditions in ("project = project", None)
