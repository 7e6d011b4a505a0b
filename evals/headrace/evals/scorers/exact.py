"""The same text, to the character."""

from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.option import Options


def exact(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Is the answer the target, to the character?"""
    return answer.text == target
