"""One task run by Inspect: to its end, or from where it broke off."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from inspect_ai import Task, eval_retry
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, read_eval_log
from inspect_ai.model import Model

from headrace.evals.errors import EvalError, NothingToRun, RunFailed
from headrace.evals.runs.model import load_hooks, offer_key, said
from headrace.evals.scorers.graded import ROLE

_QUIET: Mapping[str, Any] = {
    "display": "none",
    "score_display": False,  # a metric of few samples may raise, and would end the run
    "fail_on_error": False,  # a sample that fails is an absent score, no end
    "log_images": False,
    "ctl_server": False,  # no socket beside an unattended run
}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How patiently a task is run. Raises EvalError."""

    epochs: int = 1
    limit: int | None = None  # only the first so many cases
    retries: int = 1  # of a sample that ended in an error, before its score is absent
    request_retries: int = 5  # of one request to a provider, within a sample
    request_timeout: int | None = None  # seconds for one request to a provider
    time_limit: int | None = None  # seconds of work on a sample; a product that needs more scores 0
    connections: int | None = None  # at once, to the model or to the agent

    def __post_init__(self) -> None:
        counts = ("epochs", "limit", "request_timeout", "time_limit", "connections")
        asked = {name: getattr(self, name) for name in counts}
        low = {name: value for name, value in asked.items() if value is not None and value < 1}
        if low:
            told = ", ".join(f"{name} = {value}" for name, value in low.items())
            raise EvalError(f"{told}: they count from 1")
        if self.retries < 0 or self.request_retries < 0:
            told = f"retries = {self.retries}, request_retries = {self.request_retries}"
            raise EvalError(f"{told}: they count from 0")


def evaluated(
    task: Task,
    model: Model,
    terms: Terms,
    *,
    release: str,
    log_dir: Path | str,
    grader: Model | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> EvalLog:
    """Put a task to a model; its log, which may tell that it was cancelled.

    Raises RunFailed where Inspect gave up on the run as a whole.
    """
    asked = {
        **manner(terms, log_dir=log_dir, grader=grader),
        "limit": terms.limit,
        "tags": [f"release:{release}"],
        "metadata": {**(metadata or {}), "release": release},
    }
    try:
        [log] = inspect_eval(task, model=model, **asked)
    except Exception as error:  # whatever a provider or a log folder raises
        raise RunFailed(_failed(str(model), said(error))) from error
    return _whole(log)


def manner(terms: Terms, *, log_dir: Path | str, grader: Model | None) -> dict[str, Any]:
    """Inspect's options for cases that are asked so patiently, with nobody watching."""
    return {
        **_QUIET,
        "epochs": terms.epochs,
        "retry_on_error": terms.retries,
        "max_retries": terms.request_retries,
        "attempt_timeout": terms.request_timeout,
        "working_limit": terms.time_limit,  # waiting for a provider is no work of the product
        "max_connections": terms.connections,
        "max_samples": terms.connections,
        "log_dir": str(log_dir),
        "model_roles": {ROLE: grader} if grader is not None else None,
    }


def resumed(file: Path | str) -> EvalLog:
    """Take up a run that was killed or cancelled: samples that are done stay as they are.

    Raises EvalError, NothingToRun where it was complete, RunFailed.
    """
    try:
        header = read_eval_log(str(file), header_only=True)
    except Exception as error:  # Inspect raises whatever its zip reader raises
        raise EvalError(f"{file} cannot be read as an Inspect log: {said(error)}") from error
    if header.status == "success" and not header.invalidated:
        raise NothingToRun(f"{file} is of a run that came to its end: there is nothing to resume")
    if taken_up := _taken_up(Path(file), header):
        raise NothingToRun(f"{file} was taken up before: {taken_up} came to its end")
    load_hooks()
    offer_key(header.eval.model, header.eval.model_args.get("api_key_var"))
    try:
        [log] = eval_retry(str(file), log_dir=str(Path(file).parent), **_QUIET)
    except Exception as error:  # as above
        raise RunFailed(_failed(header.eval.model, said(error))) from error
    return _whole(log)


def _taken_up(file: Path, header: EvalLog) -> Path | None:
    """The log beside this one that took it up and came to its end: Inspect names both alike."""
    for other in sorted(file.parent.glob(f"*{header.eval.task_id}*.eval")):
        if other.name == file.name:
            continue
        found = read_eval_log(str(other), header_only=True)
        same = found.eval.task_id == header.eval.task_id
        if same and found.status == "success" and not found.invalidated:
            return other
    return None


def _whole(log: EvalLog) -> EvalLog:
    if log.status == "error":
        why = log.error.message if log.error else "no reason given"
        raise RunFailed(_failed(log.eval.model, f"{why} (log: {log.location})"))
    return log


def _failed(model: str, why: str) -> str:
    return (
        f"the run against {model!r} broke off and nothing was recorded: {why}. "
        "Check the provider and the log folder, then run it again"
    )
