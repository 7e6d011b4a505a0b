"""Which migrations a lake lacks, and that each is done once, whole, and by one process."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from headrace.lake import migration
from headrace.lake.errors import LakeTooNew

STEPS = {
    "0001_first": "create table first (a int)",
    "0002_second": "create table second (a int); insert into first values (1)",
    "0003_third": "alter table first add column b int",
}


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty catalog under the name that the statements look for."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as lake")
        connection.execute("use lake")
        yield connection


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Small migrations in the place of the real ones; a test may change them."""
    given = dict(STEPS)
    monkeypatch.setattr(migration, "names", lambda: sorted(given))
    monkeypatch.setattr(migration, "text", lambda name: given[name])
    return given


def applied(lake: duckdb.DuckDBPyConnection) -> list[str]:
    return [name for (name,) in lake.execute("select name from migrations").fetchall()]


def test_the_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(name.partition("_")[0]) for name in migration.names()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_fresh_lake_lacks_all_and_a_migrated_one_none(
    lake: duckdb.DuckDBPyConnection, steps: dict[str, str]
) -> None:
    assert migration.pending(lake) == sorted(STEPS)
    migration.migrate(lake)
    assert migration.pending(lake) == []
    assert applied(lake) == sorted(STEPS)
    assert lake.execute("select a, b from first").fetchall() == [(1, None)]


def test_a_second_run_does_nothing_again(
    lake: duckdb.DuckDBPyConnection, steps: dict[str, str]
) -> None:
    migration.migrate(lake)
    migration.migrate(lake)
    assert lake.execute("select count(*) from first").fetchone() == (1,)
    assert applied(lake) == sorted(STEPS)


def test_an_older_lake_gets_only_what_it_lacks(
    lake: duckdb.DuckDBPyConnection, steps: dict[str, str]
) -> None:
    third = steps.pop("0003_third")
    migration.migrate(lake)
    steps["0003_third"] = third
    assert migration.pending(lake) == ["0003_third"]
    migration.migrate(lake)
    assert applied(lake) == sorted(STEPS)


def test_a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself(
    lake: duckdb.DuckDBPyConnection, steps: dict[str, str]
) -> None:
    steps["0002_second"] = "create table second (a int); insert into no_such_table values (1)"
    with pytest.raises(duckdb.CatalogException, match="no_such_table"):
        migration.migrate(lake)
    lake.execute("rollback")
    assert applied(lake) == ["0001_first"]
    steps["0002_second"] = STEPS["0002_second"]
    migration.migrate(lake)
    assert applied(lake) == sorted(STEPS)


def test_a_lake_of_a_later_version_names_what_is_not_known(
    lake: duckdb.DuckDBPyConnection, steps: dict[str, str]
) -> None:
    migration.migrate(lake)
    steps.pop("0003_third")
    with pytest.raises(LakeTooNew, match=r"'0003_third'.*only '0002_second'.*pip install -U"):
        migration.pending(lake)
    assert applied(lake) == sorted(STEPS)


def is_held(home: Path) -> bool:
    with (home / "schema.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_one_at_a_time_makes_or_migrates_a_lake(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    with migration.alone(home):
        assert is_held(home)
    assert not is_held(home)


def test_the_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), migration.alone(tmp_path):
        raise KeyError("no")
    assert not is_held(tmp_path)
