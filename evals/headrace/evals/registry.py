"""What Inspect finds under the name `headrace` (entry point group `inspect_ai`)."""

from headrace.evals.scorer import case_scorer
from headrace.evals.solver import answer
from headrace.evals.suite import suite

__all__ = ["answer", "case_scorer", "suite"]
