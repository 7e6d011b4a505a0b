"""A run that was killed is taken up where it broke off, and nothing is counted twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

from headrace.evals.case import build
from headrace.evals.errors import EvalError, NothingToRun
from headrace.evals.load import load
from headrace.evals.run import resume, run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup

AGENT = """
import os, sys, time

def act(asked):
    with open(os.environ["ASKED"], "a") as file:
        file.write(asked["metadata"]["case_id"] + "\\n")
    if os.path.exists(os.environ["STUCK"]) and asked["messages"][-1]["content"] == "ask r3":
        print("stuck", flush=True)
        time.sleep(600)
    return "Paris"
"""
RUN = """
import sys
from datetime import UTC, datetime
from headrace.evals.runs.evaluation import Terms
from headrace.evals.run import run
from headrace.evals.runs.setup import Setup
from headrace.lake import Lake

home, project, logs = sys.argv[1:]
with Lake.open(home) as lake:
    terms = Terms(retries=0, connections=1)
    run(lake, project, release="v1", setup=Setup(agent="slow_agent:act"), terms=terms,
        log_dir=logs, now=datetime.now(UTC))
"""


@pytest.fixture
def suite(product: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("r1", "r2", "r3", "r4"):
        product.episode(f"e{name}", request=name)
    build(product.lake, product.project, now=product.now)
    (tmp_path / "slow_agent.py").write_text(AGENT)
    (tmp_path / "run_it.py").write_text(RUN)
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("STUCK", str(tmp_path / "stuck"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return product


def stopped(suite: Any, tmp_path: Path, how: signal.Signals) -> Path:
    """The log of a run whose process got a signal when it came to the third case."""
    (tmp_path / "stuck").touch()
    words = [sys.executable, "run_it.py", str(suite.lake.settings.home), suite.project, "logs"]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ}, stdout=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert b"stuck" in ran.stdout.readline()
        ran.send_signal(how)
    (tmp_path / "stuck").unlink()
    [log] = (tmp_path / "logs").glob("*.eval")
    return log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "left"), [(signal.SIGKILL, "started"), (signal.SIGINT, "cancelled")]
)
def test_a_run_that_was_stopped_is_taken_up_and_counts_once(
    suite: Any, tmp_path: Path, how: signal.Signals, left: str
) -> None:
    log = stopped(suite, tmp_path, how)
    assert read_eval_log(str(log), header_only=True).status == left
    assert all(row["status"] == left for row in suite.table("runs")), "it counts for nothing yet"
    ran = resume(suite.lake, log, now=suite.now)
    assert (ran.status, ran.release, ran.scores, ran.mean) == ("success", "v1", 4, 1.0)
    asked = (tmp_path / "asked").read_text().split()
    assert len(set(asked)) == 4
    assert len(asked) == 5, "only the case that was under way is asked again"
    with pytest.raises(NothingToRun, match="was taken up before"):
        resume(suite.lake, log, now=suite.now)
    logs = [str(path) for path in (tmp_path / "logs").glob("*.eval")]
    load(suite.lake, suite.project, logs, suite="production", now=suite.now)
    complete = [row["run_id"] for row in suite.table("runs") if row["status"] == "success"]
    assert complete == [ran.run_id], "the log that broke off adds nothing that counts"
    assert len([row for row in suite.scores() if row["run_id"] == ran.run_id]) == 4


def test_a_run_that_came_to_its_end_has_nothing_to_resume(suite: Any, tmp_path: Path) -> None:
    ran = run(
        suite.lake,
        suite.project,
        release="v1",
        log_dir=tmp_path / "logs",
        setup=Setup(agent="slow_agent:act"),
        terms=Terms(retries=0, limit=1),
        now=suite.now,
    )
    with pytest.raises(NothingToRun, match="nothing to resume"):
        resume(suite.lake, ran.log_uri or "", now=suite.now)
    assert len(read_eval_log_sample_summaries(ran.log_uri or "")) == 1


def test_what_is_no_log_cannot_be_resumed(suite: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="cannot be read as an Inspect log"):
        resume(suite.lake, tmp_path / "absent.eval", now=suite.now)
