"""What Inspect finds under the name `headrace` (entry point group `inspect_ai`)."""

from headrace.evals.scorers.case import case_scorer
from headrace.evals.solvers.agent import agent
from headrace.evals.solvers.answer import answer
from headrace.evals.solvers.endpoint import endpoint
from headrace.evals.solvers.replay import replay
from headrace.evals.suite import suite

__all__ = ["agent", "answer", "case_scorer", "endpoint", "replay", "suite"]
