"""Nothing acknowledged is lost while anything dies, fills up or goes away: the benchmark, small."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(__file__).parents[3] / "benchmarks" / "durability.py"
SCENARIOS = (
    "kills",
    "full_disk",
    "full_spool",
    "locked_catalog",
    "lost_catalog",
    "lost_data",
    "jumping_clock",
    "crowd",
)


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    """Several scenarios at a time: each waits for much of it."""
    command = [sys.executable, str(COMMAND), "--rounds", "10", "--jobs", "4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"exit": done.returncode}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_was_acknowledged_is_in_the_lake_once(rows: dict[str, Any], scenario: str) -> None:
    row = rows[scenario]
    assert row["rows_acknowledged"] > 20
    faults = ("lost", "duplicates", "unasked", "dead_letters")
    assert {name: row[name] for name in faults} == dict.fromkeys(faults, 0)
    assert row["spans_in_lake"] == row["spans_acknowledged"]


@pytest.mark.slow
def test_what_was_not_stored_was_refused_visibly(rows: dict[str, Any]) -> None:
    assert rows["exit"] == 0
    assert sum(rows["kills"]["kills"].values()) == 10
    for scenario in ("full_disk", "full_spool"):
        assert rows[scenario]["statuses"]["503"] > 0
        assert rows[scenario]["resent"] >= rows[scenario]["statuses"]["503"]
