"""A night opens its lake once, and anew only after something went wrong."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from headrace.flows.door import Door
from headrace.lake import Lake
from headrace.lake.errors import NoLake


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Lake.open(tmp_path).close()
    return tmp_path


def test_the_lake_is_opened_once(home: Path) -> None:
    with closing(Door(home)) as door:
        with door.lake() as first:
            assert first.snapshot_id > 0
        with door.lake() as second:
            assert second is first


def test_after_an_error_the_next_step_gets_a_fresh_lake(home: Path) -> None:
    with closing(Door(home)) as door:
        with pytest.raises(KeyError), door.lake() as broken:
            raise KeyError("x")
        with pytest.raises(duckdb.ConnectionException):
            broken.sql("select 1")
        with door.lake() as fresh:
            assert fresh.snapshot_id > 0


def test_where_there_is_no_lake_none_is_made(tmp_path: Path) -> None:
    with closing(Door(tmp_path / "nothing")) as door, pytest.raises(NoLake), door.lake():
        raise AssertionError("there is no lake")
    assert not (tmp_path / "nothing" / "catalog.sqlite").exists()


def test_a_door_that_was_never_used_has_nothing_to_close(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.close()
    door.close()
    assert list(tmp_path.iterdir()) == []
