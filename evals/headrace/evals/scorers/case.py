"""The scorer of a suite of ours: each case is scored by the scorer that it names."""

from typing import Any

from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Target, mean, scorer, stderr
from inspect_ai.scorer import Scorer as InspectScorer
from inspect_ai.solver import TaskState
from inspect_ai.util import LimitExceededError

from headrace.evals.scorers.answer import Answer, answer_of
from headrace.evals.scorers.graded import ROLE, graded, prompt_hash
from headrace.evals.scorers.table import Scoring, scoring
from headrace.evals.solvers.told import failure_in

VERSION = 1  # of what holds for all scorers: raise it when a rule below changes


@scorer(metrics=[mean(), stderr(cluster="cluster")])
def case_scorer(
    version: int = VERSION, prompt: str | None = None, rubric: str | None = None
) -> InspectScorer:
    """The scorer that each case names in its metadata.

    `version` and `prompt`, a hash, stand in the log and so make the identity of what scored. A
    product that failed scores 0; a scorer that fails gives no value, with the reason.
    """

    async def score(state: TaskState, target: Target) -> Score:
        asked = scoring(state.metadata["scorer"])
        said = state.output.completion
        if failed := failure_in(state):
            return Score(value=0, answer=said, explanation=failed)
        try:
            return await _score(asked, answer_of(state), target.text, rubric)
        except LimitExceededError:
            raise
        except Exception as error:  # whatever a judge's provider or a target brings up
            why = f"{asked.scorer.name} failed: {error or type(error).__name__}"
            return Score.unscored(reason=why, answer=said, explanation=why)

    return score


def options_of(*, judged: bool, rubric: str | None) -> dict[str, Any]:
    """Options of the case scorer, given, or the log would not name them."""
    about = {"prompt": prompt_hash(rubric), "rubric": rubric} if judged else {}
    return {"version": VERSION, **about}


async def _score(asked: Scoring, answer: Answer, target: str, rubric: str | None) -> Score:
    if asked.scorer.grade is not None:
        right = asked.scorer.grade(answer, target, asked.options)
        return Score(value=int(right), answer=answer.text)
    judge = get_model(role=ROLE, required=True)
    word = await graded(answer, target, asked.options, judge=judge, rubric=rubric)
    if word.value is None:
        why = "the judge gave no grade that was offered"
        return Score.unscored(reason=why, answer=answer.text, explanation=f"{why}: {word.said}")
    return Score(value=word.value, answer=answer.text, explanation=word.said)
