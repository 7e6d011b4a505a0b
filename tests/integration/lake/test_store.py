"""The door itself: cursors of threads, retries, what a transaction sees, snapshots."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import duckdb
import pytest

from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.message import Message
from headrace.lake.record import Release
from headrace.lake.settings import Settings
from headrace.lake.store import Transaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOCKED = duckdb.IOException("database is locked")


class Clock:
    """The time of a test: sleeping takes none and moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("headrace.lake.store.time", clock)
    return clock


def release(name: str, project: str = "p") -> Release:
    return Release(project=project, release=name, at=NOW)


def named(lake: Lake, project: str) -> list[str]:
    rows = lake.rows(
        "select release from releases where project = $p order by release", {"p": project}
    )
    return [row["release"] for row in rows]


def test_every_thread_reads_in_utc_through_a_cursor_of_its_own(lake: Lake) -> None:
    lake.write(lambda tx: tx.append("releases", [release("r", "utc")]))
    together = Barrier(4)

    def read(_: int) -> tuple[int, Any, Any]:
        together.wait(timeout=60)
        [row] = lake.rows("select \"at\", current_setting('TimeZone') as tz from releases "
                          "where project = 'utc'")  # fmt: skip
        return id(lake._cursor()), row["at"], row["tz"]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, range(4)))
    assert len({cursor for cursor, _, _ in found}) == 4
    assert {(at.isoformat(), zone) for _, at, zone in found} == {(NOW.isoformat(), "UTC")}


def test_a_reader_sees_nothing_of_a_transaction_until_it_ends(lake: Lake) -> None:
    def work(tx: Transaction) -> tuple[int, list[str]]:
        tx.append("releases", [release("r", "unseen")])
        [(inside,)] = tx.run("select count(*) from releases where project = 'unseen'")
        return inside, named(lake, "unseen")

    assert lake.write(work) == (1, [])
    assert named(lake, "unseen") == ["r"]


def test_a_relation_asked_for_later_shows_what_was_written_since(lake: Lake) -> None:
    before = lake.snapshot_id
    assert named(lake, "since") == []
    lake.write(lambda tx: tx.append("releases", [release("r", "since")]))
    assert named(lake, "since") == ["r"]
    assert lake.snapshot_id > before


def test_reading_makes_no_snapshot_and_neither_does_writing_nothing(lake: Lake) -> None:
    before = lake.snapshot_id
    lake.rows("from releases")
    assert lake.write(lambda tx: tx.append("releases", [])) == 0
    assert lake.write(lambda tx: tx.run("select 1")) == [(1,)]
    assert lake.snapshot_id == before


def test_one_write_of_several_tables_is_one_snapshot(lake: Lake) -> None:
    before = lake.snapshot_id

    def work(tx: Transaction) -> None:
        tx.append("releases", [release("r", "one")])
        tx.upsert("releases", [release("s", "one")], on=["project", "release"])
        tx.add_new("messages", [Message.of({"role": "user", "content": "one"})], on=["hash"])

    lake.write(work)
    assert lake.snapshot_id == before + 1


@pytest.mark.parametrize(
    ("verb", "kept"), [(Transaction.upsert, "second"), (Transaction.add_new, "first")]
)
def test_a_key_without_a_value_is_one_row_in_a_real_lake_too(
    verb: Callable[..., int], kept: str, lake: Lake
) -> None:
    def write(tx: Transaction) -> None:
        for notes in ("first", "second"):
            row = Release(project=kept, release="r", at=NOW, notes=notes)
            verb(tx, "releases", [row], on=["model", "project"])

    lake.write(write)
    lake.write(write)
    rows = lake.rows("select notes from releases where project = $p", {"p": kept})
    assert rows == [{"notes": kept}]


def test_a_value_that_looks_like_sql_is_a_value(lake: Lake) -> None:
    hostile = "'); drop table releases; --"
    lake.write(lambda tx: tx.append("releases", [release(hostile, hostile)]))
    assert named(lake, hostile) == [hostile]


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException("database is locked"),
        duckdb.TransactionException("Transaction conflict: attempting to insert"),
        duckdb.OperationalError("SQLITE_BUSY"),
        duckdb.IOException("could not serialize access due to concurrent update"),
    ],
    ids=str,
)
def test_what_passes_by_itself_is_tried_until_it_has(
    error: duckdb.Error, lake: Lake, clock: Clock
) -> None:
    left = [error] * 3

    def work(tx: Transaction) -> str:
        if left:
            raise left.pop()
        return "done"

    assert lake.write(work) == "done"
    assert len(clock.slept) == 3


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException("disk full"),
        duckdb.ConversionException("the text 'my account is locked' is no number"),
        duckdb.BinderException("no column named busy"),
    ],
    ids=str,
)
def test_what_does_not_pass_by_itself_is_said_at_once(
    error: duckdb.Error, lake: Lake, clock: Clock
) -> None:
    def work(_: Transaction) -> None:
        raise error

    with pytest.raises(type(error)):
        lake.write(work)
    assert clock.slept == []


def always_locked(_: Transaction) -> None:
    raise LOCKED


def test_pauses_grow_to_a_second_with_a_jitter_that_is_given(lake: Lake, clock: Clock) -> None:
    lake._rng = Random(7)
    with pytest.raises(LakeLocked) as refused:
        lake.write(always_locked)
    rng, bare = Random(7), [min(0.02 * 2**i, 1.0) for i in range(len(clock.slept))]
    assert clock.slept == [pause * rng.uniform(0.5, 1.5) for pause in bare]
    assert refused.value.__cause__ is LOCKED
    limit = lake.settings.lock_timeout_s
    assert limit < clock.now <= limit + 1.5
    assert named(lake, "never") == []


def test_the_lake_can_be_written_after_it_stayed_locked(lake: Lake, clock: Clock) -> None:
    with pytest.raises(LakeLocked):
        lake.write(always_locked)
    lake.write(lambda tx: tx.append("releases", [release("r", "after")]))
    assert named(lake, "after") == ["r"]


def test_the_word_for_a_locked_catalog_does_not_tell_its_password(
    lake: Lake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Settings(catalog="postgres:dbname=lake password=s3cret", lock_timeout_s=0.5)
    monkeypatch.setattr(lake, "settings", told)
    with pytest.raises(LakeLocked, match=r"dbname=lake.*0\.5 s.*HEADRACE_LOCK") as refused:
        lake.write(always_locked)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, LakeLocked])
def test_any_way_out_of_a_transaction_takes_it_back(
    error: type[BaseException], lake: Lake, clock: Clock
) -> None:
    def work(tx: Transaction) -> None:
        tx.append("releases", [release("r", error.__name__)])
        raise error("out")

    with pytest.raises(error):
        lake.write(work)
    assert named(lake, error.__name__) == []
    assert clock.slept == []


def test_a_snapshot_is_read_only_and_stays_as_it_stood(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("releases", [release("a"), release("b")]))
        then = lake.snapshot_id
        lake.write(lambda tx: tx.upsert("releases", [release("a")], on=["release"]))
        lake.write(lambda tx: tx.run("delete from releases where release = 'b'"))
        with Lake.open(tmp_path, snapshot=then) as past:
            assert named(past, "p") == ["a", "b"]
            with pytest.raises(duckdb.InvalidInputException, match="read-only"):
                past.write(lambda tx: tx.append("releases", [release("c")]))
            lake.write(lambda tx: tx.append("releases", [release("c")]))
            assert named(past, "p") == ["a", "b"]
            assert past.snapshot_id >= then
        assert named(lake, "p") == ["a", "c"]


def test_a_home_is_made_where_there_is_none_and_closed_for_good(tmp_path: Path) -> None:
    home = tmp_path / "it's" / "a new home"
    with Lake.open(home) as lake:
        lake.write(lambda tx: tx.append("releases", [release("r")]))
    with pytest.raises(duckdb.ConnectionException, match="closed"):
        lake.write(lambda tx: tx.append("releases", [release("s")]))
    with Lake.open(home) as again:
        assert named(again, "p") == ["r"]


def put(row: Release, tx: Transaction) -> None:
    tx.append("releases", [row])


class Counted:
    """A connection that remembers which tables it was asked the columns of."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        self.asked.append(query)
        return self._connection.sql(query)


def test_a_table_is_asked_for_its_columns_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lake.open(tmp_path) as lake:
        counted = Counted(lake._root)
        monkeypatch.setattr(lake, "_root", counted)
        for name in "abc":
            lake.write(partial(put, release(name, "asked")))
        assert (named(lake, "asked"), len(counted.asked)) == (["a", "b", "c"], 1)


def test_a_table_that_is_not_there_yet_is_asked_for_again(lake: Lake) -> None:
    with pytest.raises(duckdb.CatalogException):
        lake.write(lambda tx: tx.append("later", [release("r", "p")]))
    lake.write(lambda tx: tx.run("create table later as from releases limit 0"))
    lake.write(lambda tx: tx.append("later", [release("r", "p")]))
    assert lake.rows("select release from later") == [{"release": "r"}]


@pytest.mark.usefixtures("all_cores")
def test_a_frugal_lake_reads_and_writes_as_ever(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as frugal:
        frugal.be_frugal()
        frugal.write(lambda tx: tx.run("insert into messages values ('h', 'user', '{}', 2)"))
        [row] = frugal.rows("select count(*) as n, current_setting('threads') as t from messages")
        assert row == {"n": 1, "t": 1}
