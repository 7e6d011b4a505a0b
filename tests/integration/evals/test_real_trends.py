"""The verdict on real scores: releases of language models, an agent that learns, and repeats."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest

from headrace.evals.plateau import TrendVerdict, judge_trend
from headrace.evals.statistics.parameters import Parameters
from tests.measured import needs_data, of, results

pytestmark = needs_data

# By the day they were given to the public: Llama 2 in July 2023, Mistral 7B in September, Mixtral
# and Instruct v0.2 in December, the base v0.2 in March 2024, Llama 3 in April, 3.1 in July. Of one
# day the smaller comes first, and what was trained on before what was made of it.
MODELS = (
    "Llama-2-7b-hf",
    "Llama-2-13b-hf",
    "Llama-2-70b-hf",
    "Mistral-7B-v0.1",
    "Mistral-7B-Instruct-v0.1",
    "Mixtral-8x7B-v0.1",
    "Mistral-7B-Instruct-v0.2",
    "Mixtral-8x7B-Instruct-v0.1",
    "Mistral-7B-v0.2-hf",
    "Meta-Llama-3-8B",
    "Meta-Llama-3-70B",
    "Meta-Llama-3_1-8B",
    "Meta-Llama-3_1-8B-Instruct",
    "Meta-Llama-3_1-70B",
    "Meta-Llama-3_1-70B-Instruct",
)
SAMPLE = 300  # questions of a suite drawn from the 12,032
Cube = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Frame = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def answers() -> Cube:
    """(questions, models) right or wrong, models in the order of their release."""
    wide = pl.concat(
        [
            of("mmlu_pro", name).select("case_id", model=pl.lit(name), value="value")
            for name in MODELS
        ]
    ).pivot("model", index="case_id", values="value")
    return wide.sort("case_id").select(MODELS).to_numpy().astype(np.float64)


def frame(values: Cube) -> pl.DataFrame:
    """Of cases x releases, one attempt each."""
    case, release = (axis.ravel() for axis in np.indices(values.shape))
    return pl.DataFrame({"release": release, "case_id": case, "value": values.ravel()})


def test_releases_of_language_models_are_told_apart(answers: Cube) -> None:
    states = [
        judge_trend(frame(answers[:, : count + 1]), delta=0.03).state
        for count in range(len(MODELS))
    ]
    assert "plateaued" not in states
    assert states[MODELS.index("Mistral-7B-v0.1")] == "improving"
    assert states[MODELS.index("Mistral-7B-Instruct-v0.1")] == "regressed"
    assert states[-1] == "improving"


def suites(answers: Cube, seed: int, times: int) -> Iterator[Cube]:
    rng = np.random.default_rng(seed)
    for _ in range(times):
        yield answers[rng.choice(len(answers), SAMPLE, replace=False)]


def test_intervals_of_a_small_suite_hold_what_all_questions_say(answers: Cube) -> None:
    """From model to model, 300 of 12,032 questions: intervals of 97.5 % or more."""
    exact = Parameters(tau=0.0)
    held = []
    for suite in suites(answers, seed=11, times=10):
        for newer in range(1, len(MODELS)):
            found = judge_trend(
                frame(suite[:, newer - 1 : newer + 1]), delta=0.03, window=1, parameters=exact
            )
            gain = float((answers[:, newer] - answers[:, newer - 1]).mean())
            assert found.low is not None and found.high is not None and found.low < found.high
            held.append(found.low <= gain <= found.high)
    assert np.mean(held) >= 0.95  # of 140: 0.975 less two errors


def test_a_small_suite_never_says_the_opposite_of_all_questions(answers: Cube) -> None:
    opposite = {"improving": "regressed", "regressed": "improving"}
    for count in (4, 5, 15):
        whole = judge_trend(frame(answers[:, :count]), delta=0.03).state
        for suite in suites(answers, seed=12, times=8):
            assert judge_trend(frame(suite[:, :count]), delta=0.03).state != opposite[whole]


def test_one_model_on_disjoint_questions_is_never_improving(answers: Cube) -> None:
    """Eight measurements of one model on random eighths: whatever differs is chance."""
    rng = np.random.default_rng(13)
    claims = []
    for model in range(len(MODELS)):
        for _ in range(3):
            order = rng.permutation(len(answers))[: 8 * 500].reshape(500, 8)
            claims.append(judge_trend(frame(answers[order, model]), delta=0.03).state)
    assert set(claims) <= {"plateaued", "inconclusive"}


def test_one_configuration_measured_twice_is_not_improving() -> None:
    """gpt-4 with one prompt on HumanEval, 134 and then 141 of 164 solved."""
    names = ("simple_test_run/gpt-4", "simple_human_eval_py_logging/gpt-4")
    both = pl.concat(
        [
            of("reflexion/humaneval-py", name).with_columns(release=pl.lit(i))
            for i, name in enumerate(names)
        ]
    )
    for delta in (0.01, 0.03, 0.05):
        for window in (1, 3):
            found = judge_trend(both, delta=delta, window=window)
            assert found.state == "inconclusive"
            assert found.gain == pytest.approx(7 / 164)


def trials(run: str) -> pl.DataFrame:
    """Each trial a release, in their order."""
    found = results("reflexion/alfworld").filter(pl.col("release").str.starts_with(run))
    return found.with_columns(pl.col("release").str.tail(2).cast(pl.Int64))


def after_each(run: str, delta: float) -> list[TrendVerdict]:
    given = trials(run)
    last = given["release"].n_unique()
    return [judge_trend(given.filter(pl.col("release") <= r), delta=delta) for r in range(last)]


@pytest.mark.parametrize("run", ["base_run_logs", "reflexion_run_logs"])
@pytest.mark.parametrize("delta", [0.02, 0.03, 0.05, 0.1])
def test_an_agent_has_plateaued_only_where_its_trials_can_show_it(run: str, delta: float) -> None:
    for found in after_each(run, delta):
        if found.state == "plateaued":
            assert found.certifiable_delta is not None and found.certifiable_delta < delta
        assert found.state != "regressed"  # what is solved stays solved


def test_an_agent_that_stops_learning_is_told_at_the_delta_that_134_tasks_can_show() -> None:
    """84 of 134 solved at first, then 94, 97, 98, 100, 101, 101."""
    coarse = [found.state for found in after_each("base_run_logs", 0.1)]
    assert coarse[-2:] == ["plateaued", "plateaued"] and "plateaued" not in coarse[:-2]
    fine = after_each("base_run_logs", 0.03)
    assert fine[3].state == "improving"
    assert (fine[-1].state, fine[-1].reason) == ("inconclusive", "underpowered")
    assert fine[-1].needs is not None and fine[-1].needs.cases is not None
    assert fine[-1].needs.cases > 134


def test_an_agent_that_learns_to_the_top_is_not_said_to_have_plateaued() -> None:
    """84 of 134 solved at first, all of them after 15 trials."""
    found = after_each("reflexion_run_logs", 0.03)
    assert {v.state for v in found[2:5]} == {"improving"}
    assert {(v.state, v.reason) for v in found[7:]} == {("inconclusive", "saturated")}
