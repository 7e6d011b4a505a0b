"""What the evals room refuses, each with its cure."""

from headrace.lake.errors import HeadraceError


class EvalError(HeadraceError):
    """Something about cases, runs, scores or verdicts cannot be done as asked."""


class NoEvalEpisodes(EvalError):
    """A suite cannot grow yet: no episode of the project lies in the eval split."""


class NothingToRun(EvalError):
    """A suite has no case that a model can answer."""


class ModelUnusable(EvalError):
    """The model of a run cannot be reached: unknown provider, missing key or package."""


class RunFailed(EvalError):
    """Inspect gave up on a run as a whole; single failed samples are absent scores instead."""


class ScoresRefused(EvalError):
    """A file of scores cannot be loaded as it is: format, field, value or release."""
