"""What agents repeat with every call is stored once: the benchmark of it, small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[3] / "benchmarks" / "storage.py"


@pytest.mark.slow
def test_loops_that_repeat_their_history_take_a_twentieth_of_what_was_sent() -> None:
    command = [sys.executable, str(COMMAND), "--loops", "12", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [size] = json.loads(done.stdout)
    assert size["spans"] == 12 * 61
    assert size["sent"] > 20 * (size["data"] + size["catalog"])
    assert size["sent"] > 20 * size["kept_up"]
    assert set(size["tables"]) >= {"spans", "messages"}
