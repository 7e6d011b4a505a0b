"""A heat: some cases of a race put to several contenders at once, through Inspect.

Heats rather than Inspect's early stopping: that skips samples within one task, so tasks would wait
for each other at every look, and a killed race would have no log that ever came to its end. A heat
is a plain eval. Its log holds each answer from the moment it was given, which is what a race
resumes from.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import msgspec
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset
from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from headrace.evals.errors import RunFailed
from headrace.evals.races.contender import Contender
from headrace.evals.runs.evaluation import Terms, manner
from headrace.evals.runs.model import model_of, said
from headrace.evals.runs.setup import Setup
from headrace.evals.suite import Recorded, task_of
from headrace.lake.record import Case


def task_for(
    contender: Contender,
    cases: Sequence[Case],
    *,
    setup: Setup,
    recorded: Recorded | None,
    about: Mapping[str, Any],
) -> Task:
    """All cases of a race as a contender is asked them; a heat takes some of them.

    All, for the identity of the scorer hangs on which there are. Raises ModelUnusable and what
    `task_of` raises.
    """
    own = msgspec.structs.replace(
        setup,
        solver=contender.solver or setup.solver,
        agent=contender.agent,
        agent_key_env=contender.api_key_env if contender.agent else None,
    )
    task = task_of([contender.ask(case) for case in cases], own, recorded=recorded)
    task.model = _model(contender)
    task.metadata = {**(task.metadata or {}), **about, "release": contender.name}
    return task


def run(
    asked: Sequence[tuple[Task, Collection[str]]],
    *,
    terms: Terms,
    folder: Path,
    grader: Model | None = None,
) -> list[EvalLog]:
    """Put to each task those of its cases that are named, all at once; a log each.

    A provider that fails leaves absent scores in its own log and disturbs nobody else's.
    Raises RunFailed where Inspect could not begin.
    """
    tasks = [_part(task, cases) for task, cases in asked]
    try:
        logs: list[EvalLog] = inspect_eval(
            tasks,
            max_tasks=len(tasks),
            log_buffer=1,  # an answer that was paid for survives a kill
            log_realtime=False,  # and a live view has nothing to add to it
            **manner(terms, log_dir=folder, grader=grader),
        )
    except Exception as error:  # whatever a provider or a log folder raises
        raise RunFailed(
            f"a round of the race could not be run: {said(error)}. What was answered is kept: "
            "the same command takes the race up"
        ) from error
    return logs


def _model(contender: Contender) -> Model:
    """Resolved before the first question, so that a typo costs nothing."""
    return model_of(
        contender.model,
        base_url=contender.base_url,
        key_env=None if contender.agent else contender.api_key_env,
        params=contender.params,
    )


def _part(task: Task, cases: Collection[str]) -> Task:
    part = copy(task)
    named = [sample for sample in task.dataset if sample.id in cases]
    part.dataset = MemoryDataset(named, name=task.dataset.name)
    return part
