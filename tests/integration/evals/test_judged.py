"""Answers graded by a judge, or by a scorer of one's own; both are part of what a run is."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model

from headrace.evals.case import build
from headrace.evals.errors import JudgeMissing, UnknownScorer
from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup


def model(answers: Any) -> Any:
    return get_model("mockllm/model", custom_outputs=answers, memoize=False)


@pytest.fixture
def suite(product: Any) -> Any:
    """One case that a text answers and one that only production, or a judge, can tell."""
    product.episode("e1")
    product.episode("e2", request="r2", resolution="failure")
    build(product.lake, product.project, now=product.now)
    return product


def put(suite: Any, tmp_path: Path, reply: Any, said: Any = None, **setup: Any) -> Any:
    return run(
        suite.lake,
        suite.project,
        model=model(lambda *_: reply("Paris")),
        release="v1",
        setup=Setup(**setup),
        terms=Terms(retries=0, request_retries=0),
        grader=None if said is None else model(said),
        log_dir=tmp_path / "logs",
        now=suite.now,
    )


def test_a_judge_grades_every_case_by_a_rubric(suite: Any, reply: Any, tmp_path: Path) -> None:
    asked: list[str] = []

    def says(messages: Any, *_: Any) -> Any:
        asked.append(messages[-1].text)
        return reply("Fine.\nGRADE: C" if "ask r1" in messages[-1].text else "No.\nGRADE: I")

    ran = put(suite, tmp_path, reply, says, scorer="graded", rubric="Names a city.")
    assert (ran.scores, ran.mean, ran.left_out) == (2, 0.5, 0)
    assert {row["scorer"] for row in suite.scores()} == {"graded"}
    assert all("Names a city." in text and "Paris" in text for text in asked)
    rows = suite.scores()
    assert {(row["input_tokens"], row["output_tokens"]) for row in rows} == {(7, 3)}, (
        "what the judge used is not the product's"
    )


def test_a_judge_that_cannot_be_read_or_reached_leaves_absent_scores(
    suite: Any, reply: Any, tmp_path: Path
) -> None:
    def says(messages: Any, *_: Any) -> Any:
        if "ask r1" in messages[-1].text:
            return reply("I like it")
        raise RuntimeError("503 overloaded")

    ran = put(suite, tmp_path, reply, says, scorer="graded", rubric="Names a city.")
    assert (ran.scores, ran.absent, ran.mean) == (2, 2, None)
    told = " ".join(ran.reasons)
    assert "no grade that was offered" in told and "503 overloaded" in told


def test_judge_and_rubric_are_who_scored(suite: Any, reply: Any, tmp_path: Path) -> None:
    def says(*_: Any) -> Any:
        return reply("GRADE: C")

    rubrics = ["Names a city.", "Names a city.", "Names a country."]
    for rubric in rubrics:
        put(suite, tmp_path, reply, says, scorer="graded", rubric=rubric)
    put(suite, tmp_path, reply)
    rows = suite.table("runs")
    assert len({row["judge_hash"] for row in rows}) == 3
    assert len({row["config_hash"] for row in rows}) == 1


def test_nobody_is_graded_by_the_model_under_test(suite: Any, reply: Any, tmp_path: Path) -> None:
    with pytest.raises(JudgeMissing, match="--grader"):
        put(suite, tmp_path, reply, scorer="graded", rubric="Names a city.")
    assert suite.table("runs") == []


OWN = """
from inspect_ai.scorer import Score, mean, scorer, stderr


@scorer(metrics=[mean(), stderr()])
def {name}():
    async def score(state, target):
        {body}

    return score
"""


def own(tmp_path: Path, name: str, body: str) -> str:
    (tmp_path / f"{name}_module.py").write_text(OWN.format(name=name, body=body))
    return f"{name}_module:{name}"


def test_a_scorer_of_ones_own_scores_every_case(
    suite: Any, reply: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    named = own(tmp_path, "short", "return Score(value=len(state.output.completion) / 10)")
    ran = put(suite, tmp_path, reply, scorer=named)
    assert (ran.scores, ran.mean) == (2, 0.5)
    assert {row["scorer"] for row in suite.scores()} == {"short"}


def test_a_scorer_of_ones_own_that_was_changed_is_another_scorer(
    suite: Any, reply: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    named = own(tmp_path, "tight", "return Score(value=1)")
    put(suite, tmp_path, reply, scorer=named)
    put(suite, tmp_path, reply, scorer=named)
    own(tmp_path, "tight", "return Score(value=1.0)")
    put(suite, tmp_path, reply, scorer=named)
    assert len({row["judge_hash"] for row in suite.table("runs")}) == 2


def test_a_scorer_that_crashes_leaves_absent_scores_and_says_why(
    suite: Any, reply: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    named = own(tmp_path, "broken", "raise ZeroDivisionError('of my own making')")
    ran = put(suite, tmp_path, reply, scorer=named)
    assert (ran.scores, ran.absent, ran.mean) == (2, 2, None)
    assert "of my own making" in next(iter(ran.reasons))


def test_a_registered_scorer_goes_by_its_name(suite: Any, reply: Any, tmp_path: Path) -> None:
    ran = put(suite, tmp_path, reply, scorer="inspect_ai/includes")
    assert {row["scorer"] for row in suite.scores()} == {"includes"}
    assert (ran.scores, ran.absent) == (2, 0)


@pytest.mark.parametrize(
    "name", ["vibes", "json:loads", "json:nothing", "nobody/nothing", "match:backwards"]
)
def test_what_is_no_scorer_is_refused_before_the_run(
    suite: Any, reply: Any, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UnknownScorer, match="exact, match"):
        put(suite, tmp_path, reply, scorer=name)
    assert suite.table("runs") == []
