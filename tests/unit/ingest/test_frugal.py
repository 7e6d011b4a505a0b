"""What the drain goes without: in processes of their own, for imports last."""

import subprocess
import sys

import pytest

from headrace.ingest import frugal

CODE = """
import sys
from datetime import UTC, datetime
from headrace.ingest import frugal
{before}
import duckdb, pyarrow
now = datetime(2026, 1, 1, tzinfo=UTC)
assert duckdb.execute("select $at as at", {{"at": now}}).fetchall() == [(now,)]
rows = pyarrow.Table.from_pylist([{{"a": 1}}])
assert pyarrow.array([1, 2]).to_pylist() == [1, 2]
assert duckdb.sql("select a from rows").fetchall() == [(1,)]
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("before", "loaded"), [("frugal.do_without_pandas()", "False"), ("", "True")]
)
def test_rows_and_parameters_need_no_pandas(before: str, loaded: str) -> None:
    pytest.importorskip("pandas")
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(before=before)], capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == (loaded, "")


def test_other_modules_are_found_as_ever() -> None:
    assert frugal._Absent("pandas").find_spec("json", None) is None
