"""The target somewhere in the answer."""

from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.match import normal
from headrace.evals.scorers.option import Options


def includes(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Does the target stand in the answer, compared as by `match`? An empty one stands nowhere."""
    return bool(normal(target)) and normal(target) in normal(answer.text)
