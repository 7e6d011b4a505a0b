"""A property holds however long one example takes: a busy machine is no failure."""

import os

import pytest
from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

# The one variable from which DuckDB takes its threads. Each core has a worker of pytest already:
# a second thread waits spinning, which is as much work as the statement itself.
THREADS = "SLURM_CPUS_ON_NODE"
os.environ[THREADS] = "1"


@pytest.fixture
def all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lakes that a test opens have a thread for each core, as those of users have."""
    monkeypatch.delenv(THREADS)
