"""Log records in the lake join their calls, whenever and however often either comes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from headrace.curate.assemble import assemble
from headrace.curate.log_content import MADE
from headrace.curate.log_join import join
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.reader import read
from headrace.lake import Lake
from headrace.lake.store import Transaction
from tests.recorded import NOW, entries

P = {"project": "p"}


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.open(tmp_path) as lake:
        yield lake


def bodies(name: str, signal: str) -> list[Body]:
    [entry] = [entry for entry in entries() if entry.id == name]
    return [body for body in entry.bodies("p") if body.signal == signal]


def store(lake: Lake, bodies: list[Body]) -> None:
    batch = Batch.union(read(body) for body in bodies)
    lake.write(lambda tx: write(tx, batch))


def counts(lake: Lake) -> tuple[int, int]:
    """Calls with an input, and current episodes."""
    heard = "select count(*) as n from spans where kind = 'llm' and len(input) > 0"
    [filled], [made] = (
        lake.rows(sql) for sql in (heard, "select count(*) as n from current_episodes")
    )
    return filled["n"], made["n"]


@pytest.mark.parametrize("first", ["traces", "logs"])
@pytest.mark.parametrize("name", ["otel_genai_event/tools", "otel_genai_legacy_events/tools"])
def test_records_may_come_a_night_before_their_spans_or_after(
    name: str, first: str, lake: Lake
) -> None:
    second = "logs" if first == "traces" else "traces"
    store(lake, bodies(name, first))
    assemble(lake, "p", now=NOW)
    assert counts(lake) == (0, 0)
    store(lake, bodies(name, second))
    assemble(lake, "p", now=NOW)
    assert counts(lake) == (3, 1)


def test_nothing_new_is_nothing_to_join(lake: Lake) -> None:
    name = "otel_genai_event/tools"
    store(lake, [*bodies(name, "traces"), *bodies(name, "logs")])
    assert join(lake, "p") == 1
    before = lake.snapshot_id
    assert join(lake, "p") == 0
    assert lake.snapshot_id == before


def test_a_span_that_is_delivered_again_is_filled_again(lake: Lake) -> None:
    name = "otel_genai_event/tools"
    store(lake, [*bodies(name, "traces"), *bodies(name, "logs")])
    assemble(lake, "p", now=NOW)
    again = [read_later(body) for body in bodies(name, "traces")]
    store(lake, again)
    assert counts(lake)[0] == 0
    assemble(lake, "p", now=NOW)
    assert counts(lake) == (3, 1)
    [episode] = lake.rows("from current_episodes")
    assert episode["revision"] == 1


def read_later(body: Body) -> Body:
    return msgspec.structs.replace(body, received_at=body.received_at + timedelta(hours=1))


@pytest.mark.parametrize("began", ["timestamptz '2001-01-01'", "timestamptz '2031-01-01'", "null"])
def test_calls_are_joined_though_their_clock_is_far_from_that_of_the_records(
    began: str, lake: Lake
) -> None:
    name = "otel_genai_event/tools"
    store(lake, [*bodies(name, "traces"), *bodies(name, "logs")])
    lake.write(lambda tx: tx.run(f"update spans set started_at = {began}"))
    assert join(lake, "p") == 1
    assert counts(lake)[0] == 3


def test_calls_that_were_made_from_records_go_when_real_spans_come(lake: Lake) -> None:
    name = "claude_code/tools-rawbodies"
    store(lake, bodies(name, "logs"))
    assemble(lake, "p", now=NOW)
    made = {"made": MADE}
    [one] = lake.rows("select count(*) as n from spans where scope = $made", made)
    assert one["n"] == 2
    assert counts(lake)[1] == 1
    store(lake, bodies(name, "traces"))
    assemble(lake, "p", now=NOW)
    [none] = lake.rows("select count(*) as n from spans where scope = $made", made)
    assert none["n"] == 0
    assert counts(lake) == (2, 1)


def test_a_join_that_dies_is_taken_up_where_it_stood(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("otel_genai_event/tools", "otel_genai_legacy_events/multi_agent"):
        store(lake, [*bodies(name, "traces"), *bodies(name, "logs")])
    usual, written = Transaction.keep_latest, 0

    def dies_late(tx: Transaction, *given: object, **fields: object) -> int:
        nonlocal written
        written += 1
        if written == 2:
            raise MemoryError
        return usual(tx, *given, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(Transaction, "keep_latest", dies_late)
    with pytest.raises(MemoryError):
        join(lake, "p", events=1)
    monkeypatch.undo()
    assert counts(lake)[0] > 0
    assert join(lake, "p", events=1) == 1
    [left] = lake.rows("select count(*) as n from spans where kind = 'llm' and len(input) = 0")
    assert left["n"] == 0
