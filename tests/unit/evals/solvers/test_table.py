"""Which solver is meant by what was named."""

import pytest

from headrace.evals.errors import EvalError, UnknownSolver
from headrace.evals.runs.setup import Setup, rubric_text
from headrace.evals.solvers.table import SOLVERS, kind_of


@pytest.mark.parametrize(
    ("solver", "agent", "kind"),
    [
        (None, None, "answer"),
        ("answer", None, "answer"),
        ("replay", None, "replay"),
        (None, "my.module:act", "agent"),
        ("agent", "my.module:act", "agent"),
        (None, "https://host/agent", "endpoint"),
    ],
)
def test_an_agent_says_by_its_form_which_solver_it_needs(
    solver: str | None, agent: str | None, kind: str
) -> None:
    assert kind_of(solver, agent) == kind in SOLVERS


@pytest.mark.parametrize(
    ("solver", "agent"),
    [("magic", None), ("agent", None), ("replay", "my.module:act"), ("agent", "http://host")],
)
def test_what_does_not_go_together_is_refused(solver: str, agent: str | None) -> None:
    with pytest.raises(UnknownSolver):
        Setup(solver=solver, agent=agent)


def test_a_replay_of_no_messages_is_refused() -> None:
    with pytest.raises(EvalError, match="from 1"):
        Setup(solver="replay", messages=0)


def test_only_what_changes_the_answers_is_part_of_how_they_were_given() -> None:
    assert Setup(scorer="exact", rubric="Be kind.").identity == {}
    named = Setup(agent="m:a", agent_key_env="KEY").identity
    assert named == {"solver": "agent", "agent": "m:a"}


def test_a_rubric_is_a_text_or_a_file(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("kind.md", "w", encoding="utf-8") as file:
        file.write("Be kind.\n")
    assert rubric_text("kind.md") == "Be kind.\n"
    assert rubric_text("Be kind.") == "Be kind."
    assert rubric_text(None) is None
    with pytest.raises(EvalError, match="no file"):
        rubric_text("absent.md")
    with open("empty.md", "w", encoding="utf-8"):
        pass
    with pytest.raises(EvalError, match="empty"):
        rubric_text("empty.md")
