"""Runs: a suite put to a model through Inspect, or answered by what happened in production."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model

from headrace.evals import case
from headrace.evals.attempt import Ran, ran
from headrace.evals.errors import EvalError, ModelUnusable, RunFailed
from headrace.evals.log import read_logs
from headrace.evals.production import production
from headrace.evals.recording import record
from headrace.evals.suite import runnable, task_of
from headrace.lake.record import Case
from headrace.lake.store import Lake

__all__ = ["Ran", "production", "run"]


def run(
    lake: Lake,
    project: str,
    *,
    suite: str = case.SUITE,
    model: str | Model,
    release: str,
    epochs: int = 1,
    limit: int | None = None,
    log_dir: Path | str | None = None,
    now: datetime,
) -> Ran:
    """Put the cases of a suite to a model, one generation per case and epoch, and record it.

    `model`: any Inspect model name, or a Model. `limit`: only the first so many cases.
    `log_dir`: default `<home>/logs`. A sample that fails is an absent score, a limit that it
    reaches a zero. Raises NothingToRun, ModelUnusable, RunFailed, EvalError.
    """
    if epochs < 1 or (limit is not None and limit < 1):
        raise EvalError(f"epochs = {epochs}, limit = {limit}: both count from 1")
    cases = runnable(lake, project, suite)
    asked = {
        "epochs": epochs,
        "limit": limit,
        "log_dir": str(log_dir if log_dir is not None else lake.settings.home / "logs"),
        "tags": [f"release:{release}"],
        "metadata": {"project": project, "suite": suite, "release": release},
    }
    log = _evaluated(cases, _model(model), asked)
    [measured] = read_logs([log.location], release)
    done = record(lake, project, suite, [measured], now=now)
    standing = [item for item in case.cases(lake, project, suite) if item.retired_at is None]
    left_out = len(standing) - len(cases)
    return ran(done.runs[0], measured.attempts, changed=done.written > 0, left_out=left_out)


def _model(model: str | Model) -> Model:
    """Resolved before the run, so that a typo costs no log."""
    if isinstance(model, Model):
        return model
    try:
        return get_model(model)
    except Exception as error:  # each provider has its own way to miss a key, package or name
        raise ModelUnusable(
            f"model {model!r} cannot be used: {_said(error)}. Name it PROVIDER/MODEL as in "
            "`openai/gpt-5`, with the provider's package installed and its API key in the "
            "environment; a local endpoint is `openai-api/NAME/MODEL` with NAME_BASE_URL "
            "and NAME_API_KEY"
        ) from error


def _evaluated(cases: Sequence[Case], model: Model, asked: Mapping[str, Any]) -> EvalLog:
    try:
        [log] = inspect_eval(
            task_of(cases),
            model=model,
            display="none",
            score_display=False,
            fail_on_error=False,
            log_images=False,
            ctl_server=False,  # no socket beside an unattended run
            **asked,
        )
    except Exception as error:  # whatever a provider or a log folder raises
        raise RunFailed(_failed(model, _said(error))) from error
    if log.status == "error":
        why = log.error.message if log.error else "no reason given"
        raise RunFailed(_failed(model, f"{why} (log: {log.location})"))
    return log


def _failed(model: Model, why: str) -> str:
    return (
        f"the run against {str(model)!r} broke off and nothing was recorded: {why}. "
        "Check the provider and the log folder, then run it again"
    )


def _said(error: Exception) -> str:
    """Inspect's prerequisite errors carry rich markup in `message` and no text."""
    text = str(getattr(error, "message", "") or error or type(error).__name__)
    return " ".join(re.sub(r"\[/?[a-z]+\]", "", text).split()).rstrip(".")
