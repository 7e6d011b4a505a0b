"""The ways in which a case may be answered."""

from collections.abc import Mapping
from types import MappingProxyType

from inspect_ai.solver import Solver

from headrace.evals.errors import UnknownSolver
from headrace.evals.solvers.agent import agent as python_agent
from headrace.evals.solvers.answer import answer
from headrace.evals.solvers.endpoint import endpoint
from headrace.evals.solvers.replay import MESSAGES, replay

ANSWER, REPLAY, AGENT, ENDPOINT = "answer", "replay", "agent", "endpoint"
SOLVERS: Mapping[str, str] = MappingProxyType(
    {
        ANSWER: "one generation of a model, tools on offer and none of them run",
        REPLAY: "a model that calls tools, which answer as recorded, until it answers itself",
        AGENT: "your own agent, a Python function package.module:function",
        ENDPOINT: "your own agent behind HTTP, http://HOST/PATH",
    }
)


def kind_of(solver: str | None, agent: str | None) -> str:
    """The solver that is meant: an agent says by its form which one it needs.

    Raises UnknownSolver.
    """
    implied = None if agent is None else ENDPOINT if _is_address(agent) else AGENT
    if solver is not None and solver not in SOLVERS:
        raise UnknownSolver(f"no solver {solver!r}; there are: {', '.join(SOLVERS)}")
    if (solver in (AGENT, ENDPOINT) and agent is None) or (
        implied and solver not in (None, implied)
    ):
        raise UnknownSolver(
            f"solver {solver!r} and agent {agent!r} do not go together: a model is put to "
            "`answer` or `replay`, an agent needs no solver named"
        )
    return implied or solver or ANSWER


def solver_of(
    kind: str, *, agent: str | None = None, key_env: str | None = None, messages: int | None = None
) -> Solver:
    """The solver of a kind that `kind_of` gave. Raises AgentUnusable."""
    if agent is not None:
        return endpoint(agent, key_env) if kind == ENDPOINT else python_agent(agent)
    return replay(messages or MESSAGES) if kind == REPLAY else answer()


def _is_address(agent: str) -> bool:
    return agent.startswith(("http://", "https://"))
