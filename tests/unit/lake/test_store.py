"""The verbs of a transaction against a plain dict, on the engine alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from random import Random
from typing import get_args

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.lake.errors import HeadraceError
from headrace.lake.message import Message
from headrace.lake.record import Release, Resolution, Resolved
from headrace.lake.store import Transaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEYS = [["project", "episode_id"], ["resolved_by"], ["resolved_by", "success"], ["at"]]
FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ROWS = st.lists(
    st.builds(
        Resolved,
        project=st.sampled_from("pq"),
        episode_id=st.sampled_from("ab"),
        resolution=st.sampled_from(get_args(Resolution)),
        at=st.sampled_from([NOW, NOW.replace(year=2027)]),
        success=st.sampled_from([True, False, None]),
        score=st.none() | st.floats(allow_nan=False),
        resolved_by=st.sampled_from(["user", "", None]),
    ),
    max_size=6,
)
BATCHES = st.lists(ROWS, min_size=1, max_size=3)
ON = st.sampled_from(KEYS)


def key(row: msgspec.Struct, on: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in on)


@contextmanager
def undone(engine: duckdb.DuckDBPyConnection) -> Iterator[Transaction]:
    """A transaction on the empty schema that leaves it empty."""
    engine.execute("begin")
    try:
        yield Transaction(engine, {})
    finally:
        engine.execute("rollback")


def stored(tx: Transaction) -> list[Resolved]:
    names = Resolved.__struct_fields__
    listed = ", ".join(f'"{name}"' for name in names)
    rows = tx.run(f"select {listed} from resolutions")
    return [Resolved(**dict(zip(names, row, strict=True))) for row in rows]


def same(found: Iterable[Resolved], wanted: Iterable[Resolved]) -> bool:
    return Counter(found) == Counter(wanted)


@FEW
@given(batches=BATCHES)
def test_append_keeps_every_row(
    engine: duckdb.DuckDBPyConnection, batches: list[list[Resolved]]
) -> None:
    with undone(engine) as tx:
        counts = [tx.append("resolutions", batch) for batch in batches]
        assert counts == [len(batch) for batch in batches]
        assert same(stored(tx), (row for batch in batches for row in batch))


@FEW
@given(batches=BATCHES, on=ON)
def test_upsert_is_a_dict_that_takes_the_last(
    engine: duckdb.DuckDBPyConnection, batches: list[list[Resolved]], on: list[str]
) -> None:
    model: dict[tuple[object, ...], Resolved] = {}
    with undone(engine) as tx:
        for batch in batches:
            tx.upsert("resolutions", batch, on=on)
            model |= {key(row, on): row for row in batch}
        assert same(stored(tx), model.values())


@FEW
@given(batches=BATCHES, on=ON)
def test_add_new_is_a_dict_that_keeps_the_first(
    engine: duckdb.DuckDBPyConnection, batches: list[list[Resolved]], on: list[str]
) -> None:
    model: dict[tuple[object, ...], Resolved] = {}
    with undone(engine) as tx:
        for batch in batches:
            tx.add_new("resolutions", batch, on=on)
            for row in batch:
                model.setdefault(key(row, on), row)
        assert same(stored(tx), model.values())


@FEW
@given(rows=ROWS, on=ON)
def test_an_upsert_done_twice_is_done_once(
    engine: duckdb.DuckDBPyConnection, rows: list[Resolved], on: list[str]
) -> None:
    with undone(engine) as tx:
        tx.upsert("resolutions", rows, on=on)
        once = stored(tx)
        tx.upsert("resolutions", rows, on=on)
        assert same(stored(tx), once)


@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_rows_with_keys_of_their_own_may_come_in_any_order(
    engine: duckdb.DuckDBPyConnection, rows: list[Resolved], seed: int
) -> None:
    on = ["project", "episode_id"]
    own = list({key(row, on): row for row in rows}.values())
    with undone(engine) as tx:
        tx.upsert("resolutions", own, on=on)
        Random(seed).shuffle(own)
        tx.upsert("resolutions", own, on=on)
        assert same(stored(tx), own)


def test_a_row_without_a_value_for_its_only_key_is_replaced(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    row = Resolved(project="p", episode_id="e", resolution="pending", at=NOW)
    with undone(engine) as tx:
        for resolution in ("pending", "unmarked"):
            new = msgspec.structs.replace(row, resolution=resolution)
            tx.upsert("resolutions", [new], on=["resolved_by"])
        assert [found.resolution for found in stored(tx)] == ["unmarked"]


@pytest.mark.parametrize(
    "table", ["", "messages; drop table spans", "lake.messages", 'm"', "1", "a b", "(select 1)"]
)
def test_a_name_that_is_no_table_name_reaches_no_statement(
    table: str, engine: duckdb.DuckDBPyConnection
) -> None:
    row = Message.of({"role": "user", "content": "x"})
    with undone(engine) as tx:
        for write in (tx.add_new, tx.upsert):
            with pytest.raises(HeadraceError, match="is no table name"):
                write(table, [row], on=["hash"])
        with pytest.raises(HeadraceError, match="is no table name"):
            tx.append(table, [row])


def test_a_record_of_another_table_is_refused_whole(engine: duckdb.DuckDBPyConnection) -> None:
    release = Release(project="p", release="r", at=NOW)
    with undone(engine) as tx:
        with pytest.raises(KeyError):
            tx.append("resolutions", [release])
        assert stored(tx) == []


def test_no_rows_ask_nothing_of_the_engine(engine: duckdb.DuckDBPyConnection) -> None:
    with undone(engine) as tx:
        assert tx.append("no_such_table", []) == 0
        assert tx.add_new("no_such_table", [], on=["a"]) == 0
        assert tx.upsert("no_such_table", [], on=["a"]) == 0


def test_a_value_is_a_parameter_and_never_a_piece_of_the_statement(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    hostile = "'; drop table resolutions; --"
    with undone(engine) as tx:
        row = Resolved(project=hostile, episode_id="$project", resolution="pending", at=NOW)
        tx.upsert("resolutions", [row], on=["project"])
        found = tx.run(
            "select episode_id from resolutions where project = $project", {"project": hostile}
        )
        assert found == [("$project",)]


def test_the_batch_is_gone_after_the_insert_and_after_its_failure(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    row = Resolved(project="p", episode_id="e", resolution="pending", at=NOW)
    for on, error in ((["episode_id"], None), (["no_such_column"], AttributeError)):
        with undone(engine) as tx:
            with pytest.raises(error) if error else nullcontext():
                tx.upsert("resolutions", [row], on=on)
            with pytest.raises(duckdb.CatalogException, match="batch"):
                tx.run("select * from batch")
