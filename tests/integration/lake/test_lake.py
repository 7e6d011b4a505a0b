from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import permutations
from pathlib import Path

import duckdb
import polars as pl
import pytest

from headrace.lake import Lake
from headrace.lake.errors import HeadraceError, LakeLocked, LakeTooNew
from headrace.lake.message import Message
from headrace.lake.record import Episode, Resolved, Span, Verdict
from headrace.lake.settings import Settings
from headrace.lake.store import Transaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HELLO = Message.of({"role": "user", "content": "hello"})
_COLUMNS = """
select table_name, column_name, data_type from duckdb_columns()
where not internal and database_name in ('lake', 'memory') and table_name not like 'ducklake_%'
order by table_name, column_index
"""


def span(span_id: str, **fields: object) -> Span:
    given: dict[str, object] = {"name": "chat", "kind": "llm", **fields}
    return Span(project="p", trace_id="t", span_id=span_id, received_at=NOW, **given)  # type: ignore[arg-type]


def episode(episode_id: str, revision: int, **fields: object) -> Episode:
    return Episode(
        project="p",
        episode_id=episode_id,
        revision=revision,
        at=NOW,
        messages=(HELLO.hash,),
        trainable=(False,),
        **fields,  # type: ignore[arg-type]
    )


def count(lake: Lake, table: str) -> int:
    [(rows,)] = lake.sql(f"select count(*) from {table}").fetchall()
    return int(rows)


def test_what_one_object_wrote_another_reads_with_types_kept(tmp_path: Path) -> None:
    money = Decimal("0.000000001")
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("spans", [span("s", cost_usd=money, input=("a", "b"))]))
    with Lake.open(tmp_path) as lake:
        [row] = lake.rows("select * from spans")
    assert (row["cost_usd"], row["input"], row["received_at"]) == (money, ["a", "b"], NOW)
    assert row["ended_at"] is None and row["input_tokens"] is None


def test_a_relation_becomes_a_polars_frame(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("messages", [HELLO]))
        frame = lake.sql("select * from messages where hash = $hash", {"hash": HELLO.hash}).pl()
    assert isinstance(frame, pl.DataFrame)
    assert frame["role"].to_list() == ["user"]


def test_the_same_message_is_stored_once(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        for _ in range(2):
            lake.write(lambda tx: tx.add_new("messages", [HELLO, HELLO], on=["hash"]))
        assert count(lake, "messages") == 1


def test_rows_without_a_key_value_count_as_the_same_row(tmp_path: Path) -> None:
    resolved = Resolved(project="p", episode_id="e", resolution="pending", at=NOW)
    with Lake.open(tmp_path) as lake:
        for _ in range(2):
            lake.write(lambda tx: tx.add_new("resolutions", [resolved], on=["project", "success"]))
        assert count(lake, "resolutions") == 1


def test_an_upsert_replaces_what_had_the_same_key_and_the_last_one_wins(tmp_path: Path) -> None:
    on = ["project", "trace_id", "span_id"]
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.upsert("spans", [span("s", name="old"), span("r")], on=on))
        lake.write(
            lambda tx: tx.upsert("spans", [span("s", name="new"), span("s", name="newest")], on=on)
        )
        names = lake.sql("select name from spans order by name").fetchall()
    assert names == [("chat",), ("newest",)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_of_several_deliveries_the_one_that_ends_last_stays(
    order: Sequence[int], together: bool, lake: Lake
) -> None:
    ends = (None, NOW, NOW + timedelta(seconds=1))
    rows = [span("1", ended_at=ends[number], name=str(number)) for number in order]
    key = ["project", "trace_id", "span_id"]
    for batch in [rows] if together else [[row] for row in rows]:
        lake.write(lambda tx, batch=batch: tx.keep_latest("spans", batch, on=key, by="ended_at"))  # type: ignore[misc]
    assert [row["name"] for row in lake.rows("select name from spans")] == ["2"]


def test_a_transaction_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def work(tx: Transaction) -> None:
        tx.append("messages", [HELLO])
        raise KeyError("no")

    with Lake.open(tmp_path) as lake:
        with pytest.raises(KeyError):
            lake.write(work)
        assert count(lake, "messages") == 0
        lake.write(lambda tx: tx.append("messages", [HELLO]))
        assert count(lake, "messages") == 1


def test_a_snapshot_shows_the_lake_as_it_stood(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("messages", [HELLO]))
        then = lake.snapshot_id
        lake.write(lambda tx: tx.append("messages", [HELLO]))
        assert lake.snapshot_id > then
    with Lake.open(tmp_path, snapshot=then) as past:
        assert count(past, "messages") == 1


def test_the_current_episode_is_its_last_revision_with_the_resolution(tmp_path: Path) -> None:
    resolved = Resolved(
        project="p", episode_id="a", resolution="success", success=True, resolved_by="human", at=NOW
    )
    with Lake.open(tmp_path) as lake:
        rows = [episode("a", 1), episode("a", 2, turns=3), episode("b", 1)]
        lake.write(lambda tx: (tx.append("episodes", rows), tx.append("resolutions", [resolved])))
        found = lake.sql(
            "select episode_id, revision, turns, resolution, success, resolved_by "
            "from current_episodes order by episode_id"
        ).fetchall()
    assert found == [("a", 2, 3, "success", True, "human"), ("b", 1, 0, "pending", None, None)]


def test_a_superseded_episode_is_not_current(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        rows = [episode("a", 1), episode("a", 2, superseded=True)]
        lake.write(lambda tx: tx.append("episodes", rows))
        assert count(lake, "current_episodes") == 0
        assert count(lake, "episodes") == 2


def test_a_table_name_is_never_taken_from_outside(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake, pytest.raises(HeadraceError, match="no table name"):
        lake.write(lambda tx: tx.append("messages; drop table spans", [HELLO]))


def test_the_readable_schema_is_what_the_migrations_make(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        migrated = lake.sql(_COLUMNS).fetchall()
    with duckdb.connect() as fresh:
        fresh.execute((files("headrace.lake") / "schema.sql").read_text())
        wanted = fresh.sql(_COLUMNS).fetchall()
    assert [row for row in migrated if row[0] != "migrations"] == wanted


def test_a_lake_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.run("insert into migrations values ('9999_later', now())"))
    with pytest.raises(LakeTooNew, match=r"9999_later.*pip install -U headrace"):
        Lake.open(tmp_path)


def test_a_catalog_that_stays_locked_is_named_with_the_cure(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, lock_timeout_s=0.01)

    def always_locked(_: Transaction) -> None:
        raise duckdb.IOException("database is locked")

    with Lake.open(settings=settings) as lake:
        with pytest.raises(LakeLocked, match="HEADRACE_LOCK_TIMEOUT_S"):
            lake.write(always_locked)


def test_a_locked_catalog_runs_the_whole_transaction_again(tmp_path: Path) -> None:
    attempts: list[int] = []

    def locked_once(tx: Transaction) -> int:
        attempts.append(tx.append("messages", [HELLO]))
        if len(attempts) == 1:
            raise duckdb.TransactionException("Transaction conflict")
        return len(attempts)

    with Lake.open(tmp_path) as lake:
        assert lake.write(locked_once) == 2
        assert count(lake, "messages") == 1


def test_data_that_speak_of_locks_are_no_locked_catalog(tmp_path: Path) -> None:
    attempts: list[int] = []

    def wrong(tx: Transaction) -> None:
        attempts.append(1)
        tx.run("select $text::integer", {"text": "the database is locked"})

    with Lake.open(tmp_path) as lake, pytest.raises(duckdb.ConversionException):
        lake.write(wrong)
    assert attempts == [1]


def test_another_error_is_not_tried_again(tmp_path: Path) -> None:
    attempts: list[int] = []

    def wrong(tx: Transaction) -> None:
        attempts.append(1)
        tx.run("select * from no_such_table")

    with Lake.open(tmp_path) as lake, pytest.raises(duckdb.CatalogException):
        lake.write(wrong)
    assert attempts == [1]


def test_a_record_of_a_table_with_a_reserved_column_survives(tmp_path: Path) -> None:
    verdict = Verdict(
        project="p", verdict_id="v", kind="readiness", state="stay", at=NOW, expires_at=NOW,
        inputs_hash="h", payload="{}",
    )  # fmt: skip
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.upsert("verdicts", [verdict], on=["verdict_id", "at"]))
        assert lake.rows('select "at" from verdicts') == [{"at": NOW}]
