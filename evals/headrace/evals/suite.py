"""A suite as an Inspect task: `inspect eval headrace/suite -T project=... --model ...`."""

import json
from collections.abc import Sequence

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample

from headrace.evals import case
from headrace.evals.errors import NothingToRun
from headrace.evals.scorer import GRADERS, VERSION, case_scorer
from headrace.evals.solver import answer, chat
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake


@task
def suite(suite: str = case.SUITE, project: str = "default", home: str | None = None) -> Task:
    """The cases of a suite that a model can answer. Raises NothingToRun."""
    with Lake.open(home) as lake:
        return task_of(runnable(lake, project, suite))


def task_of(cases: Sequence[Case]) -> Task:
    """An Inspect task over these cases, one generation each."""
    dataset = MemoryDataset([sample(item) for item in cases], name=cases[0].suite)
    scored = case_scorer(version=VERSION)  # given, or the log would not name it
    return Task(dataset=dataset, solver=answer(), scorer=scored, name="headrace/suite")


def sample(item: Case) -> Sample:
    """A case as Inspect's sample; a case without a cluster is its own."""
    question = json.loads(item.input)
    target = json.loads(item.target or "null")
    return Sample(
        id=item.case_id,
        input=chat(question["messages"]),
        target=target if isinstance(target, str) else json.dumps(target),
        metadata={
            "cluster": item.cluster or item.case_id,
            "slice": item.slice,
            "scorer": item.scorer,
            "tools": question.get("tools"),
        },
    )


def runnable(lake: Lake, project: str, suite: str) -> list[Case]:
    """The standing cases with a question, a target and a scorer that needs no production.

    Raises NothingToRun, which says what the suite holds instead.
    """
    standing = [c for c in case.cases(lake, project, suite) if c.retired_at is None]
    found = [item for item in standing if _is_runnable(item)]
    if not found:
        raise NothingToRun(_why_not(lake, project, suite, len(standing)))
    return found


def _is_runnable(item: Case) -> bool:
    asked = json.loads(item.input).get("messages")
    return bool(asked) and item.target is not None and item.scorer in GRADERS


def _why_not(lake: Lake, project: str, suite: str, standing: int) -> str:
    if standing:
        return (
            f"none of the {standing} cases of suite {suite!r} has a target that a model's answer "
            "can be compared with: mark episodes as successful or correct them, then run "
            "`headrace eval build`; production outcomes are replayed without a model"
        )
    rows = lake.rows(statements("headrace.evals", "suite.sql")["suites"], {"project": project})
    there = ", ".join(f"{row['suite']} ({row['cases']} cases)" for row in rows) or "none"
    return (
        f"project {project!r} has no suite {suite!r}; there are: {there}. "
        "Build it with `headrace eval build`"
    )
