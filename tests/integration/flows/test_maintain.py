"""A night leaves few files, whatever it wrote, and reads the same before and after."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.flows import maintain
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.record import Done

NOW = datetime(2026, 12, 1, tzinfo=UTC)
COMMITS, ROWS = 12, 40


def write(lake: Lake) -> None:
    for commit in range(COMMITS):
        rows = [
            Done(project="p", step="units", version="1", key=f"{commit}-{i}") for i in range(ROWS)
        ]
        lake.write(lambda tx: tx.append("done", rows))  # noqa: B023


def files(lake: Lake) -> int:
    [(count,)] = lake.sql("select count(*) from ducklake_list_files('lake', 'done')").fetchall()
    return int(count)


def test_small_files_become_one_and_every_row_stays(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        write(lake)
        before = files(lake), sorted(lake.sql("from done").fetchall())
        assert maintain.maintain(lake, now=NOW)
        assert (files(lake), before[0]) == (1, COMMITS)
        assert sorted(lake.sql("from done").fetchall()) == before[1]


def test_every_table_in_its_care_is_there(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        known = {name for (name,) in lake.sql("select table_name from duckdb_tables()").fetchall()}
    assert set(maintain.TABLES) <= known
    assert len(set(maintain.TABLES)) == len(maintain.TABLES)


def test_a_lake_that_is_in_use_waits_for_another_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise LakeLocked("in use")

    monkeypatch.setattr(maintain, "tidy", locked)
    with Lake.open(tmp_path) as lake:
        assert not maintain.maintain(lake, now=NOW)
