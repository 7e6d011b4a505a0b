"""Rewards for reinforcement learning: the scorers of the evaluation, in the shapes of trainers.

What trains a policy is what judges it: every function here asks the same scorer with the same
answer, and nothing of it needs Inspect.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace.evals.errors import JudgeMissing, TargetUnusable, UnknownScorer
from headrace.evals.scorers.table import scoring
from headrace.evals.scorers.written import answer, turns_in
from headrace.lake.message import Body


class Message(Protocol):
    """A message as verifiers has it, a pydantic model."""

    def model_dump(self) -> dict[str, Any]: ...


class Task(Protocol):
    """The data of a task of verifiers, with the columns of its row."""

    @property
    def scorer(self) -> str: ...
    @property
    def reference(self) -> str: ...


class Trace(Protocol):
    """A rollout of verifiers."""

    @property
    def assistant_messages(self) -> Sequence[Message]: ...


def score(scorer: str, reference: str, messages: Sequence[Mapping[str, Any]]) -> float | None:
    """What an answer is worth, 0 to 1; None where the scorer cannot use the reference.

    `messages` are what follows the prompt. Raises UnknownScorer, JudgeMissing.
    """
    try:
        return _score(scorer, reference, messages)
    except TargetUnusable:
        return None


def trl_reward(
    completions: Sequence[str | Sequence[Body]],
    scorer: Sequence[str],
    reference: Sequence[str],
    **columns: object,
) -> list[float | None]:
    """A reward function of TRL's GRPOTrainer, which gives it the columns of the rows by name.

    None is a row that does not count. Raises UnknownScorer, JudgeMissing.
    """
    rows = zip(scorer, reference, completions, strict=True)
    return [score(name, right, _messages(said)) for name, right, said in rows]


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    **others: object,
) -> float:
    """The reward function of verl, for rows with `scorer` in their `extra_info`.

    Raises UnknownScorer, JudgeMissing, TargetUnusable: verl knows no score that is absent.
    """
    named = (extra_info or {}).get("scorer")
    if named is None:
        raise UnknownScorer(
            f"a row of {data_source!r} names no scorer in extra_info: export it with "
            "`headrace dataset build --objective rl --format verl`"
        )
    return _score(named, ground_truth, _messages(solution_str))


async def verifiers_reward(task: Task, trace: Trace) -> float:
    """A reward of verifiers, for tasks whose data have `scorer` and `reference`.

    Raises UnknownScorer, JudgeMissing, TargetUnusable: verifiers tells a rollout with an error
    from one that scored 0.
    """
    messages = [message.model_dump() for message in trace.assistant_messages]
    return _score(task.scorer, task.reference, messages)


def _score(scorer: str, reference: str, messages: Sequence[Mapping[str, Any]]) -> float:
    asked = scoring(scorer)
    if asked.scorer.grade is None:
        raise JudgeMissing(
            f"scorer {scorer!r} asks a judge, which no reward does: train on rows of the other "
            "scorers, or write a reward function that asks yours"
        )
    return float(asked.scorer.grade(answer(messages), reference, asked.options))


def _messages(said: str | Sequence[Body]) -> Sequence[Body]:
    return turns_in(said) if isinstance(said, str) else said
