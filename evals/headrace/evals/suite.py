"""A suite as an Inspect task: `inspect eval headrace/suite -T project=... --model ...`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Scorer
from inspect_ai.util import EarlyStopping

from headrace.evals import case
from headrace.evals.elsewhere import elsewhere
from headrace.evals.errors import NothingToRun
from headrace.evals.runs.setup import Setup, rubric_text
from headrace.evals.scorers.case import case_scorer, options_of
from headrace.evals.scorers.own import own_scorer, source_hash
from headrace.evals.solvers.chat import chat
from headrace.evals.solvers.recorded import recorded_calls
from headrace.evals.solvers.table import REPLAY, solver_of
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Recorded = Mapping[str, Sequence[Mapping[str, str]]]  # case id -> calls with their results


@task
def suite(
    suite: str = case.SUITE,
    project: str = "default",
    home: str | None = None,
    solver: str | None = None,
    agent: str | None = None,
    agent_key_env: str | None = None,
    scorer: str | None = None,
    rubric: str | None = None,
    messages: int | None = None,
) -> Task:
    """The cases of a suite that can be answered and scored so; see Setup.

    `rubric`: its text or the name of its file. Raises NothingToRun, UnknownSolver, UnknownScorer,
    AgentUnusable, EvalError.
    """
    setup = Setup(
        solver=solver,
        agent=agent,
        agent_key_env=agent_key_env,
        scorer=scorer,
        rubric=rubric_text(rubric),
        messages=messages,
    )
    with Lake.open(home) as lake:
        cases = runnable(lake, project, suite, setup)
        recorded = recordings(lake, project, cases) if setup.kind == REPLAY else {}
    return task_of(cases, setup, recorded=recorded)


def task_of(
    cases: Sequence[Case],
    setup: Setup | None = None,
    *,
    recorded: Recorded | None = None,
    early_stopping: EarlyStopping | None = None,
) -> Task:
    """An Inspect task over these cases, one or more.

    `recorded`: what `recordings` gives, for a replay. Raises UnknownScorer, AgentUnusable.
    """
    setup = setup or Setup()
    scored, about = _scorer(cases, setup)
    samples = [sample(item, setup, (recorded or {}).get(item.case_id)) for item in cases]
    return Task(
        dataset=MemoryDataset(samples, name=cases[0].suite),
        solver=solver_of(
            setup.kind, agent=setup.agent, key_env=setup.agent_key_env, messages=setup.messages
        ),
        scorer=scored,
        name="headrace/suite",
        metadata={"project": cases[0].project, "suite": cases[0].suite, **about},
        early_stopping=early_stopping,
    )


def sample(
    item: Case, setup: Setup | None = None, calls: Sequence[Mapping[str, str]] | None = None
) -> Sample:
    """A case as Inspect's sample; a case without a cluster is its own."""
    setup = setup or Setup()
    question = json.loads(item.input)
    asked = setup.scoring(item)
    told: dict[str, Any] = {"messages": question["messages"]} if setup.has_agent else {}
    if setup.kind == REPLAY:
        told["recorded"] = [dict(call) for call in calls or []]
    return Sample(
        id=item.case_id,
        input=chat(question["messages"]),
        target=_target(item),
        metadata={
            "cluster": item.cluster or item.case_id,
            "slice": item.slice,
            "scorer": asked.identity if asked else item.scorer,
            "tools": question.get("tools"),
            **told,
        },
    )


def runnable(lake: Lake, project: str, suite: str, setup: Setup | None = None) -> list[Case]:
    """The standing cases with a question, and with what their scorer needs.

    Raises NothingToRun, which says what the suite holds instead.
    """
    setup = setup or Setup()
    standing = [c for c in case.cases(lake, project, suite) if c.retired_at is None]
    found = [c for c in standing if json.loads(c.input).get("messages") and setup.can_score(c)]
    if not found:
        raise NothingToRun(_why_not(lake, project, suite, len(standing)))
    return found


def recordings(lake: Lake, project: str, cases: Sequence[Case]) -> Recorded:
    """The answered tool calls of the episodes that cases come from, by case."""
    where = {"project": project, "episodes": [c.origin_episode_id for c in cases]}
    origins = {row["episode_id"]: row for row in lake.rows(_sql()["origins"], where)}
    bodies = {r["hash"]: json.loads(r["body"]) for r in lake.rows(_sql()["origin_bodies"], where)}
    found = {
        name: recorded_calls([bodies[h] for h in row["messages"]]) for name, row in origins.items()
    }
    return {c.case_id: found.get(c.origin_episode_id, []) for c in cases}


def _scorer(cases: Sequence[Case], setup: Setup) -> tuple[Scorer, dict[str, Any]]:
    """What scores, and what the log must say beside its name."""
    about: dict[str, Any] = {"setup": dict(setup.identity)} if setup.identity else {}
    if setup.has_own_scorer:
        own = own_scorer(setup.scorer or "")
        return own, {**about, "scorer_source": source_hash(own)}
    asked = [found for item in cases if (found := setup.scoring(item))]
    judged = any(found.is_judged for found in asked)
    return case_scorer(**options_of(judged=judged, rubric=setup.rubric)), about


def _target(item: Case) -> str:
    target = json.loads(item.target or "null")
    if target is None:
        return ""
    return target if isinstance(target, str) else json.dumps(target)


def _why_not(lake: Lake, project: str, suite: str, standing: int) -> str:
    if standing:
        return (
            f"none of the {standing} cases of suite {suite!r} has a target that a model's answer "
            "can be compared with: mark episodes as successful or correct them, then run "
            "`headrace eval build`, or give a judge a rubric (`--scorer graded --rubric FILE "
            "--grader MODEL`); production outcomes are replayed with `--from-production`"
        )
    rows = lake.rows(_sql()["suites"], {"project": project})
    there = ", ".join(
        f"{row['suite']} ({row['cases']} cases)" for row in rows
    ) or "none" + elsewhere(lake, project)
    return (
        f"project {project!r} has no suite {suite!r}; there are: {there}. "
        "Grow it with `headrace eval build`, or bring cases in with `headrace eval add`"
    )


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")
