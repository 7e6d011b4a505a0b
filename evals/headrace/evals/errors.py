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


class UnknownScorer(EvalError):
    """A case, an option or a command names a scorer that there is not."""


class TargetUnusable(EvalError):
    """The target of a case is not what its scorer needs: the case is at fault, not the answer."""


class UnknownSolver(EvalError):
    """A command or an option names a way to answer that there is not."""


class AgentUnusable(EvalError):
    """The agent under test cannot be reached as it was named."""


class JudgeMissing(EvalError):
    """A case is to be graded and nobody was named to grade it."""


class UnknownCase(EvalError):
    """A suite has no case of this id."""


class NotPromoted(EvalError):
    """An episode cannot become a case: unknown, not curated, nothing to ask, or exported."""


class CasesRefused(EvalError):
    """A file of cases cannot be added as it is: a row, a field or an expression."""


class UntrustedJudge(EvalError):
    """A verdict would rest on a judge that people's labels say may not feed one."""
