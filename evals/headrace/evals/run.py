"""Runs: a suite put to a model or an agent through Inspect, or answered by production."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from inspect_ai import Task
from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from headrace.curate.price import Prices
from headrace.evals import case
from headrace.evals.errors import EvalError, JudgeMissing, ModelUnusable
from headrace.evals.production import production
from headrace.evals.runs.cost import priced
from headrace.evals.runs.evaluation import Terms, evaluated, resumed
from headrace.evals.runs.model import judge_of, model_of
from headrace.evals.runs.setup import Setup
from headrace.evals.scores.attempt import Ran, ran
from headrace.evals.scores.log import read_logs
from headrace.evals.scores.recording import record
from headrace.evals.suite import suite as suite_task
from headrace.lake.store import Lake

__all__ = ["Ran", "production", "resume", "run", "task_for"]


def run(
    lake: Lake,
    project: str,
    *,
    suite: str = case.SUITE,
    model: str | Model | None = None,
    release: str,
    setup: Setup | None = None,
    terms: Terms | None = None,
    grader: str | Model | None = None,
    log_dir: Path | str | None = None,
    now: datetime,
) -> Ran:
    """Put the cases of a suite to a model or an agent and record the scores.

    `model`: any Inspect model name, or a Model; not needed by an agent. `grader`: the judge of
    graded answers. `log_dir`: default `<home>/logs`. A sample that fails is an absent score, a
    limit that it reaches a zero. Raises NothingToRun, ModelUnusable, AgentUnusable, JudgeMissing,
    UnknownScorer, UnknownSolver, RunFailed, EvalError.
    """
    setup = setup or Setup()
    if model is None and not setup.has_agent:
        raise ModelUnusable("nothing to run: name a model or an agent")
    task = task_for(lake, project, suite, setup)
    needs_judge(task, setup, grader)
    log = evaluated(
        task,
        model_of(model),
        terms or Terms(),
        release=release,
        log_dir=log_dir if log_dir is not None else lake.settings.home / "logs",
        grader=None if grader is None else judge_of(grader),
    )
    return _recorded(lake, project, suite, log, now)


def resume(lake: Lake, log: Path | str, *, now: datetime) -> Ran:
    """Take up a run of `run` from its log and record it; the log that broke off counts no more.

    Raises EvalError, NothingToRun, RunFailed.
    """
    done = resumed(log)
    about = done.eval.metadata or {}
    if not {"project", "suite"} <= about.keys():
        raise EvalError(f"{log} is of no suite here: load it with `headrace eval load`")
    return _recorded(lake, about["project"], about["suite"], done, now)


def task_for(lake: Lake, project: str, suite: str, setup: Setup) -> Task:
    """The task of a suite, made by its registered name so that Inspect can make it again."""
    return suite_task(
        suite=suite,
        project=project,
        home=str(lake.settings.home),
        solver=setup.solver,
        agent=setup.agent,
        agent_key_env=setup.agent_key_env,
        scorer=setup.scorer,
        rubric=setup.rubric,
        messages=setup.messages,
    )


def _recorded(lake: Lake, project: str, suite: str, log: EvalLog, now: datetime) -> Ran:
    [read] = read_logs([log.location])
    measured = priced(read, Prices.load(lake.settings))
    done = record(lake, project, suite, [measured], now=now)
    standing = [item for item in case.cases(lake, project, suite) if item.retired_at is None]
    asked = log.eval.dataset.samples or 0
    return ran(
        done.runs[0],
        measured.attempts,
        changed=done.written > 0,
        left_out=max(0, len(standing) - asked),
    )


def needs_judge(task: Task, setup: Setup, grader: object) -> None:
    """A judge is never the model under test, unless that is said. Raises JudgeMissing."""
    named: Sequence[str] = [str((item.metadata or {}).get("scorer")) for item in task.dataset]
    judged = [name for name in named if name.startswith("graded")]
    if judged and grader is None and not setup.has_own_scorer:
        raise JudgeMissing(
            f"{len(judged)} of {len(named)} cases are graded by a judge, and none is named: give "
            "one with `--grader PROVIDER/MODEL`"
        )
