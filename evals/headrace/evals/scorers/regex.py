"""A regular expression that the answer must hold."""

import re2

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.option import Options


def regex(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Does the expression match somewhere in the answer; with `full`, the whole of it?

    RE2 syntax, which takes linear time whatever the answer is; `(?i)` and the like at its
    beginning set flags. Raises TargetUnusable.
    """
    pattern = _compiled(target)
    found = pattern.fullmatch(answer.text) if "full" in options else pattern.search(answer.text)
    return found is not None


def _compiled(target: str) -> "re2._Regexp":
    told = re2.Options()
    told.log_errors = False  # they would go to stderr past everything
    try:
        return re2.compile(target, told)
    except re2.error as error:
        said = error.args[0] if error.args else error
        said = said.decode() if isinstance(said, bytes) else said
        raise TargetUnusable(
            f"the target {target!r} is no regular expression in RE2's syntax ({said}): RE2 knows "
            "neither look-around nor references back"
        ) from error
