"""Where DuckDB spills: in the home, in a folder that goes with its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.lake import spill
from headrace.lake.store import Lake

ROWS = "select range as n, repeat(md5(range::varchar), 20) as text from range(600000) order by text"


def test_what_a_killed_process_left_is_removed_and_no_other(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, ours = tmp_path / f"spill-{ended.pid}-1", tmp_path / f"spill-{os.getpid()}-1"
    for folder in (left, ours, tmp_path / "spill-far", tmp_path / "data"):
        folder.mkdir()
        (folder / "file").touch()
    spill.sweep(tmp_path)
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [
        "data",
        ours.name,
        "spill-far",
    ]


@pytest.mark.usefixtures("all_cores")
def test_a_stream_larger_than_memory_spills_into_the_home_until_the_lake_is_closed(
    tmp_path: Path,
) -> None:
    with Lake.open(tmp_path) as lake, lake.within(300):
        rows = iter(lake.stream(ROWS))
        first = next(rows)
        assert list(tmp_path.glob("spill-*/*"))
        assert sum(1 for _ in rows) == 599_999
        assert len(first[1]) == 640
    assert list(tmp_path.glob("spill-*")) == []
