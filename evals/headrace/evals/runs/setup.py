"""How the cases of a suite are answered and scored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from headrace.evals.errors import EvalError
from headrace.evals.scorers.table import Scoring, is_known, scoring
from headrace.evals.solvers.table import AGENT, ANSWER, ENDPOINT, REPLAY, kind_of
from headrace.lake.record import Case

_LINE = 200  # characters: what is longer is no name of a file


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is put to the test, and by which rules. Raises UnknownSolver."""

    solver: str | None = None  # default: what the agent needs, else one generation
    agent: str | None = None  # package.module:function, or an address
    agent_key_env: str | None = None  # name of the environment variable with the agent's key
    scorer: str | None = None  # for every case; default: the one that each case names
    rubric: str | None = None  # what every graded answer must meet; text
    messages: int | None = None  # that may follow the question in a replay

    def __post_init__(self) -> None:
        kind_of(self.solver, self.agent)
        if self.messages is not None and self.messages < 1:
            raise EvalError(f"message limit {self.messages}: it counts from 1")

    @property
    def kind(self) -> str:
        return kind_of(self.solver, self.agent)

    @property
    def has_agent(self) -> bool:
        """Whether the product answers itself, so that no model need be named."""
        return self.kind in (AGENT, ENDPOINT)

    @property
    def has_own_scorer(self) -> bool:
        return self.scorer is not None and not is_known(self.scorer)

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells two ways of answering apart; nothing for one generation."""
        if self.kind == ANSWER:
            return {}
        limit = {"messages": self.messages} if self.kind == REPLAY and self.messages else {}
        agent = {"agent": self.agent} if self.agent else {}
        return {"solver": self.kind, **agent, **limit}

    def scoring(self, case: Case) -> Scoring | None:
        """How a case is scored by a scorer of ours; None where there is none for it."""
        named = self.scorer if self.scorer is not None else case.scorer
        return scoring(named) if is_known(named) else None

    def can_score(self, case: Case) -> bool:
        """Whether there is what the scorer of a case needs."""
        if self.has_own_scorer:
            return True
        asked = self.scoring(case)
        if asked is None:
            return False
        return case.target is not None or (asked.is_judged and bool(self.rubric))


def rubric_text(given: str | None) -> str | None:
    """The text of a rubric that is given as such or by the name of its file. Raises EvalError."""
    if given is None or "\n" in given or len(given) > _LINE:
        return given
    path = Path(given)
    if path.suffix in (".md", ".txt") and not path.is_file():
        raise EvalError(f"the rubric {given!r} is no file: name one, or give the text itself")
    text = path.read_text(encoding="utf-8") if path.is_file() else given
    if not text.strip():
        raise EvalError(f"the rubric {given!r} is empty: say what a good answer is")
    return text
