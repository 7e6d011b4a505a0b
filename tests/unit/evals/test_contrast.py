"""The primitive agrees with the textbook, and no interval of its has zero width."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.evals.contrast import Codes, Floats, Panel, level, neighbours, slope, step


def clustered_ols_error(differences: Floats, clusters: Codes) -> float:
    """Standard error of the constant in OLS with a cluster sandwich, written out."""
    design = np.ones((len(differences), 1))
    bread = np.linalg.inv(design.T @ design)
    residuals = differences - design @ (bread @ design.T @ differences)
    groups = np.unique(clusters)
    meat = np.zeros((1, 1))
    for group in groups:
        part = design[clusters == group].T @ residuals[clusters == group]
        meat += np.outer(part, part)
    correction = len(groups) / (len(groups) - 1)
    return float(np.sqrt((correction * bread @ meat @ bread)[0, 0]))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cases=st.integers(4, 60), groups=st.integers(2, 12))
def test_the_error_of_a_contrast_is_that_of_clustered_ols(
    seed: int, cases: int, groups: int
) -> None:
    rng = np.random.default_rng(seed)
    clusters = np.concatenate([[0, 1], rng.integers(0, groups, cases - 2)]).astype(np.intp)
    values = rng.random((cases, 5))
    weights = rng.normal(size=5)
    found = Panel.of(values, clusters, epochs=1, binary=False).contrast(weights)
    assert found.estimate == pytest.approx(float((values @ weights).mean()), abs=1e-12)
    assert found.error == pytest.approx(clustered_ols_error(values @ weights, clusters), abs=1e-9)


def test_cases_of_their_own_give_the_paired_t_test() -> None:
    values = np.random.default_rng(1).random((40, 2))
    found = Panel.of(values, np.arange(40), epochs=1, binary=False).contrast(step(2, 1, 1))
    theirs = stats.ttest_rel(values[:, 1], values[:, 0])
    assert found.ratio == pytest.approx(float(theirs.statistic), abs=1e-9)


def test_quantiles_are_those_of_student() -> None:
    panel = Panel.of(np.random.default_rng(2).random((9, 2)), np.arange(9), epochs=1, binary=False)
    for tail in (0.05, 0.0125, 0.002):
        assert panel.quantile(tail) == pytest.approx(float(stats.t.ppf(1 - tail, 8)), rel=1e-9)


def test_two_pseudo_cases_enter_binary_scores() -> None:
    """n = 4, one attempt: var = 0 x (4/6)^2 + 2 / 6^2 where no case flips."""
    panel = Panel.of(np.ones((4, 2)), np.arange(4), epochs=1, binary=True)
    assert panel.contrast(step(2, 1, 1)).error == pytest.approx(np.sqrt(2 / 36))


def test_repeated_attempts_narrow_the_pseudo_cases() -> None:
    once, often = (
        Panel.of(np.ones((4, 2)), np.arange(4), epochs=n, binary=True).contrast(step(2, 1, 1))
        for n in (1, 4)
    )
    assert often.error == pytest.approx(once.error / 2)


def test_repeatability_enters_every_contrast() -> None:
    flat = np.full((30, 2), 0.5)
    panel = Panel.of(flat, np.arange(30), epochs=1, binary=False)
    wobbling = Panel(
        means=panel.means,
        covariance=panel.covariance,
        cases=30,
        clusters=30,
        epochs=1,
        binary=False,
        tau=0.01,
    )
    assert panel.contrast(step(2, 1, 1)).error == 0
    assert wobbling.contrast(step(2, 1, 1)).error == pytest.approx(0.01 * np.sqrt(2))


@settings(deadline=None)
@given(rate=st.floats(-1, 1), last=st.integers(2, 10), window=st.integers(1, 5))
def test_the_slope_of_a_line_is_its_gain_per_window(rate: float, last: int, window: int) -> None:
    line = rate * np.arange(10)
    assert float(slope(10, last, window) @ line) == pytest.approx(rate * window, abs=1e-9)


def test_steps_compare_the_newest_with_those_ahead() -> None:
    assert step(5, 2, 3).tolist() == pytest.approx([-1 / 3, -1 / 3, -1 / 3, 1 / 2, 1 / 2])
    assert step(5, 1, 1).tolist() == [0, 0, 0, -1, 1]


def test_neighbours_are_all_successive_differences() -> None:
    rows = np.stack(neighbours(4)).tolist()
    assert sorted(rows) == sorted([[0, 0, -1, 1], [0, -1, 1, 0], [-1, 1, 0, 0]])


@settings(deadline=None)
@given(
    wins=st.integers(0, 30),
    cases=st.integers(1, 30),
    groups=st.integers(1, 30),
)
def test_a_level_never_has_zero_width_nor_leaves_the_scale(
    wins: int, cases: int, groups: int
) -> None:
    values = (np.arange(cases) < wins).astype(np.float64)
    found = level(values, (np.arange(cases) % groups).astype(np.intp))
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.high - found.low > 0


def test_one_cluster_tells_nothing() -> None:
    found = level(np.ones(50), np.zeros(50, dtype=np.intp))
    assert (found.low, found.high) == (0, 1)
