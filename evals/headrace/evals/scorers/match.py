"""The same text but for what people do not mean by a difference."""

import unicodedata

from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.option import Options


def match(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Is the answer the target, but for case, white space and Unicode form (NFKC)?"""
    return normal(answer.text) == normal(target)


def normal(text: str) -> str:
    """A text in the form in which texts are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
