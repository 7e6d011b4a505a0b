"""Bringing rows to what they should be: only differences are written, other rows left alone."""

from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.lake.store import Settled, Transaction

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2027, 1, 2, tzinfo=UTC)
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Rows = Mapping[str, tuple[str | None, float | None]]  # episode -> cluster, similarity
ROWS = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(st.none() | st.sampled_from("xy"), st.none() | st.sampled_from([0.5, 1.0])),
)


def columns(rows: Rows, project: str = "p", at: datetime = NOW) -> pa.Table:
    named = sorted(rows)
    return pa.table(
        {
            "project": pa.array([project] * len(named), pa.string()),
            "step": pa.array(["dedupe"] * len(named), pa.string()),
            "episode_id": pa.array(named, pa.string()),
            "reason": pa.array([rows[name][0] for name in named], pa.string()),
            "similarity": pa.array([rows[name][1] for name in named], pa.float64()),
            "at": pa.array([at] * len(named), pa.timestamp("us", "UTC")),
        }
    )


def settle(tx: Transaction, rows: Rows, project: str = "p", at: datetime = NOW) -> Settled:
    return tx.settle(
        "decisions",
        columns(rows, project, at),
        on=["project", "step", "episode_id"],
        within={"project": project, "step": "dedupe"},
    )


def standing(tx: Transaction, project: str = "p") -> dict[str, tuple[object, ...]]:
    rows = tx.run(
        "select episode_id, reason, similarity from decisions where project = $p", {"p": project}
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {name: tuple(rest) for name, *rest in rows}


@FEW
@given(nights=st.lists(ROWS, min_size=1, max_size=4), other=ROWS)
def test_the_rows_are_those_wanted_and_no_others_change(
    engine: duckdb.DuckDBPyConnection, nights: list[Rows], other: Rows
) -> None:
    engine.execute("begin")
    try:
        tx = Transaction(engine, {})
        settle(tx, other, "q")
        for rows in nights:
            settle(tx, rows)
            assert standing(tx) == dict(rows)
        assert standing(tx, "q") == dict(other)
    finally:
        engine.execute("rollback")


@FEW
@given(before=ROWS, after=ROWS)
def test_only_what_differs_is_written(
    engine: duckdb.DuckDBPyConnection, before: Rows, after: Rows
) -> None:
    engine.execute("begin")
    try:
        tx = Transaction(engine, {})
        settle(tx, before)
        written = settle(tx, after, at=LATER)
        same = {name for name in before.keys() & after.keys() if before[name] == after[name]}
        assert written == Settled(added=len(after) - len(same), removed=len(before) - len(same))
        old = tx.run('select episode_id from decisions where "at" = $at', {"at": NOW})
        assert {name for (name,) in old} == same
    finally:
        engine.execute("rollback")


def test_columns_that_are_not_given_are_null(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("begin")
    try:
        tx = Transaction(engine, {})
        assert tx.append_columns("decisions", columns({"a": ("x", None)})) == 1
        assert tx.append_columns("decisions", columns({})) == 0
        assert tx.run("select reason, because_of from decisions") == [("x", None)]
    finally:
        engine.execute("rollback")
