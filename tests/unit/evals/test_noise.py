"""A/A: known wobble is found, none is never negative, and only true repeats count."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from headrace.evals.noise import Noise, judge_noise, noise
from headrace.lake.store import Lake
from tests.evalruns import T0, released, run


def again(
    rng: np.random.Generator, *, pairs: int, tau: float, cases: int = 400, runs: int = 2
) -> pl.DataFrame:
    """Runs of so many releases, each with a shift of its own of this standard deviation."""
    shape = (pairs, runs, cases)
    ease = rng.uniform(0.3, 0.7, (pairs, 1, cases))
    shift = rng.normal(0, tau, (pairs, runs, 1)) if tau else np.zeros((pairs, runs, 1))
    release, made, case = (axis.ravel() for axis in np.indices(shape))
    return pl.DataFrame(
        {
            "release": release,
            "run": release * runs + made,
            "case_id": case,
            "value": (rng.random(shape) < ease + shift).ravel().astype(float),
        }
    )


def test_a_wobble_is_found_again() -> None:
    found = judge_noise(again(np.random.default_rng(1), pairs=40, tau=0.05))
    assert found.tau is not None and found.low is not None and found.high is not None
    assert 0.03 < found.tau < 0.07
    assert 0 < found.low < found.tau < found.high
    assert found.pairs == 40


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = [
        found.low <= 0.04 <= found.high
        for found in (judge_noise(again(rng, pairs=4, tau=0.04, cases=200)) for _ in range(150))
        if found.low is not None and found.high is not None
    ]
    assert len(held) == 150 and 0.90 <= np.mean(held) <= 0.99


def test_sampling_alone_is_no_wobble() -> None:
    rng = np.random.default_rng(3)
    taus = [judge_noise(again(rng, pairs=5, tau=0.0, cases=300)).tau for _ in range(40)]
    assert all(tau is not None and tau >= 0 for tau in taus)
    assert np.mean([tau == 0 for tau in taus]) > 0.4
    assert max(tau for tau in taus if tau is not None) < 0.06


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(2, 4), st.floats(0, 0.1), st.integers(0, 999))
def test_the_estimate_solves_its_equation(pairs: int, runs: int, tau: float, seed: int) -> None:
    scores = again(np.random.default_rng(seed), pairs=pairs, tau=tau, cases=60, runs=runs)
    found = judge_noise(scores)
    assert found.tau is not None and found.low is not None and found.high is not None
    assert found.pairs == pairs * (runs - 1)

    def squares(at: float) -> float:
        return sum(r.difference**2 / (r.variance + r.weight * at**2) for r in found.repeats)

    for at, target in (
        (found.tau, found.pairs),
        (found.low, chi2.ppf(0.975, found.pairs)),
        (found.high, chi2.ppf(0.025, found.pairs)),
    ):
        if 0 < at < 1:
            assert squares(at) == pytest.approx(target, rel=1e-6)
        elif at == 0:
            assert squares(0) <= target


def test_equal_scores_twice_are_no_wobble_but_not_a_sure_one() -> None:
    scores = pl.concat(
        pl.DataFrame({"case_id": range(50), "value": [0.0, 1.0] * 25}).with_columns(
            release=pl.lit(0), run=pl.lit(r)
        )
        for r in (0, 1)
    )
    found = judge_noise(scores)
    assert (found.tau, found.pairs) == (0.0, 1)
    [repeat] = found.repeats
    assert repeat.low < 0 < repeat.high


@pytest.mark.parametrize("runs", [0, 1])
def test_without_a_repeat_there_is_no_figure(runs: int) -> None:
    scores = again(np.random.default_rng(1), pairs=3, tau=0.1, runs=runs)
    found = judge_noise(scores)
    assert found == Noise(tau=None, low=None, high=None, repeats=())
    assert found.floor(0.03) is None
    assert found.words.startswith("No configuration was measured twice")


def test_shards_are_no_repeats() -> None:
    scores = again(np.random.default_rng(4), pairs=2, tau=0.05)
    other = scores.with_columns(
        pl.when(pl.col("run") % 2 == 1).then(pl.col("case_id") + 1000).otherwise("case_id")
        .alias("case_id")
    )  # fmt: skip
    assert judge_noise(scores).pairs == 2
    assert judge_noise(other).pairs == 0


def test_other_settings_under_one_name_are_no_repeat() -> None:
    scores = again(np.random.default_rng(4), pairs=1, tau=0.05)
    assert judge_noise(scores.with_columns(config_hash=pl.lit("x"))).pairs == 1
    assert judge_noise(scores.with_columns(config_hash=pl.col("run").cast(pl.String))).pairs == 0


def test_a_floor_is_not_lowered_by_luck_but_by_evidence() -> None:
    lucky = Noise(tau=0.0, low=0.0, high=0.2, repeats=())
    sure = Noise(tau=0.0, low=0.0, high=0.001, repeats=())
    shaky = Noise(tau=0.02, low=0.01, high=0.05, repeats=())
    assert [found.floor(0.03) for found in (lucky, sure, shaky)] == [
        pytest.approx(0.006),
        0.001,
        0.02,
    ]


def test_runs_of_one_release_in_a_lake_are_repeats(lake: Lake, project: str) -> None:
    released(lake, project, "v1", "v2")
    right = [1.0, 0.0] * 30
    for day, name in enumerate(["v1", "v2", "v2", "v2"]):
        run(lake, project, name, right[day:] + right[:day], started_at=T0 + timedelta(days=day))
    found = noise(lake, suite="refunds", project=project).noise
    assert [repeat.release for repeat in found.repeats] == ["v2", "v2"]
    assert [repeat.cases for repeat in found.repeats] == [60, 60]
    assert "from A/A of 2 pairs" in found.words


def test_one_configuration_under_two_names_is_a_repeat(lake: Lake, project: str) -> None:
    released(lake, project, "v1", "v2", "v3")
    for day, (name, config) in enumerate([("v1", "x"), ("v2", "y"), ("v3", "x")]):
        at = T0 + timedelta(days=day)
        run(lake, project, name, [1.0, 0.0] * 30, started_at=at, config_hash=config)
    found = noise(lake, suite="refunds", project=project).noise
    assert [repeat.release for repeat in found.repeats] == ["v1"]


def test_the_scorer_whose_runs_were_repeated_is_taken(lake: Lake, project: str) -> None:
    for day in range(2):
        at = T0 + timedelta(days=day)
        run(lake, project, "v1", [1.0, 0.0] * 30, started_at=at, scorer="twice")
        run(lake, project, f"v{day}", [1.0, 0.0] * 30, started_at=at, scorer="once")
    found = noise(lake, suite="refunds", project=project)
    assert (found.series.scorer, found.noise.pairs) == ("twice", 1)
    asked = noise(lake, suite="refunds", project=project, scorer="once")
    assert (asked.series.scorer, asked.noise.pairs) == ("once", 0)
