"""Where DuckDB spills: in the home, in a folder that goes with its process."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE

import pytest

from headrace.lake import spill
from headrace.lake.errors import SnapshotGone
from headrace.lake.store import Lake

ROWS = "select range as n, repeat(md5(range::varchar), 20) as text from range(600000) order by text"


HOLDER = """
import sys
from pathlib import Path
from headrace.lake import spill
print(spill.Place.take(Path(sys.argv[1])).folder.name, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed_and_no_other(tmp_path: Path) -> None:
    ours = spill.Place.take(tmp_path)
    for name in ("spill-far", "data"):
        (tmp_path / name).mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=PIPE, stdout=PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = other.stdout.readline().strip()
        kept = {"data", "spill-far", ours.folder.name}
        spill.sweep(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == kept | {left}
        other.kill()
    spill.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    ours.leave()


def test_what_was_left_goes_though_another_process_has_the_same_id_by_now(tmp_path: Path) -> None:
    """In a container every start may have id 1."""
    left = tmp_path / f"spill-{os.getpid()}-1"
    left.mkdir()
    (left / "duckdb_temp_storage").write_bytes(b"raw texts")
    with Lake.open(tmp_path):
        assert not left.exists()


def test_a_folder_that_is_swept_while_it_is_made_is_made_again(tmp_path: Path) -> None:
    """Many take places and many sweep at once: each place stands while it is held."""

    def work(_: int) -> bool:
        place = spill.Place.take(tmp_path)
        spill.sweep(tmp_path)
        stood = place.folder.is_dir()
        place.leave()
        return stood

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    spill.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_cannot_be_opened_leaves_no_folder(tmp_path: Path) -> None:
    Lake.open(tmp_path).close()
    with pytest.raises(SnapshotGone):
        Lake.open(tmp_path, snapshot=999)
    assert list(tmp_path.glob("spill-*")) == []


@pytest.mark.usefixtures("all_cores")
def test_a_stream_larger_than_memory_spills_into_the_home_until_the_lake_is_closed(
    tmp_path: Path,
) -> None:
    with Lake.open(tmp_path) as lake, lake.within(300):
        rows = iter(lake.stream(ROWS))
        first = next(rows)
        assert list(tmp_path.glob("spill-*/duckdb_temp*"))
        assert sum(1 for _ in rows) == 599_999
        assert len(first[1]) == 640
    assert list(tmp_path.glob("spill-*")) == []


def test_after_a_limit_memory_is_there_again(tmp_path: Path) -> None:
    """One text of 150 MB, which cannot be spilled."""
    inner = "select string_agg(repeat('x', 30), '') as x from range(5_000_000)"
    text = f"select max(length(x)) as size from ({inner})"
    with Lake.open(tmp_path) as lake:
        with lake.within(50), pytest.raises(Exception, match="Out of Memory"):
            lake.rows(text)
        assert lake.rows(text) == [{"size": 150_000_000}]
