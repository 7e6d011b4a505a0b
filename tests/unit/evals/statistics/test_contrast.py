"""The primitive agrees with the textbook, and no interval of its has zero width."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.evals.statistics.contrast import (
    Codes,
    Contrast,
    Floats,
    Panel,
    level,
    neighbours,
    slope,
    step,
)


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


def test_the_covariance_of_two_clusters_by_hand() -> None:
    """Means (.5, .75); cluster sums of deviations (1, .5) and (-1, -.5); 2/1 x S'S / 4^2."""
    values = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.5], [0.0, 0.5]])
    found = Panel.of(values, np.array([7, 7, 3, 3]), epochs=1, binary=False)
    assert found.means.tolist() == [0.5, 0.75]
    assert found.covariance.tolist() == [[0.25, 0.125], [0.125, 0.0625]]
    change = found.contrast(step(2, 1, 1))
    assert (change.estimate, change.error) == (0.25, 0.25)


_SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seed=_SEEDS, binary=st.booleans())
def test_neither_order_of_cases_nor_names_of_clusters_matter(seed: int, binary: bool) -> None:
    rng = np.random.default_rng(seed)
    values, clusters = rng.random((24, 4)), rng.integers(0, 6, 24).astype(np.intp)
    clusters[:2] = 0, 1
    order, names = rng.permutation(24), rng.permutation(100)[:6].astype(np.intp)
    ours, theirs = (
        Panel.of(v, c, epochs=2, binary=binary).contrast(np.array([-0.5, -0.5, 0.25, 0.75]))
        for v, c in ((values, clusters), (values[order], names[clusters][order]))
    )
    assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-12)
    assert ours.error == pytest.approx(theirs.error, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=_SEEDS, shift=st.floats(-2, 2), scale=st.floats(0.01, 3))
def test_a_change_is_measured_on_the_scale_of_the_scores(
    seed: int, shift: float, scale: float
) -> None:
    values = np.random.default_rng(seed).random((15, 3))
    weights = np.array([-0.5, -0.5, 1.0])
    ours, theirs, mirrored = (
        Panel.of(v, np.arange(15), epochs=1, binary=False).contrast(weights)
        for v in (values, values * scale + shift, 1 - values)
    )
    assert theirs.estimate == pytest.approx(ours.estimate * scale, abs=1e-9)
    assert theirs.error == pytest.approx(ours.error * scale, abs=1e-9)
    assert mirrored.estimate == pytest.approx(-ours.estimate, abs=1e-12)
    assert mirrored.error == pytest.approx(ours.error, abs=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 5, 30])
def test_cases_that_say_the_same_inside_their_cluster_are_one(groups: int) -> None:
    """A cluster copied whole adds cases, no evidence."""
    values = np.random.default_rng(groups).random((groups, 2))
    once = Panel.of(values, np.arange(groups), epochs=1, binary=False)
    copied = Panel.of(
        np.repeat(values, 4, axis=0), np.repeat(np.arange(groups), 4), epochs=1, binary=False
    )
    assert (copied.cases, copied.clusters) == (4 * groups, groups)
    assert copied.covariance == pytest.approx(once.covariance, nan_ok=True)


@pytest.mark.parametrize(
    ("weights", "reach"),
    [
        ([-1, 0, 0, 1], 1.0),
        ([-0.5, -0.5, 0.5, 0.5], 1.0),
        ([0, 0, -1, 1], 1.0),
        ([-0.9, -0.3, 0.3, 0.9], 1.2),  # a slope: the largest sum of its newest weights
        ([0, 0, 0, 1], 1.0),
    ],
)
def test_the_pseudo_cases_flip_where_they_reach_furthest(
    weights: list[float], reach: float
) -> None:
    panel = Panel.of(np.ones((10, 4)), np.arange(10), epochs=1, binary=True)
    found = panel.contrast(np.array(weights)).error
    assert found == pytest.approx(np.sqrt(2) * reach / 12, rel=1e-12)


@pytest.mark.parametrize(
    ("estimate", "error", "ratio"),
    [
        (0.02, 0.01, 2.0),
        (-0.02, 0.01, -2.0),
        (0.0, 0.0, 0.0),
        (0.1, 0.0, np.inf),
        (-0.1, 0.0, -np.inf),
    ],
)
def test_a_ratio_without_error_is_certain_or_nothing(
    estimate: float, error: float, ratio: float
) -> None:
    assert Contrast(estimate=estimate, error=error).ratio == ratio


def test_a_level_by_hand() -> None:
    """3 of 4 right, each its own cluster: se^2 = 4/3 x .75/16 x (4/6)^2 + 2/36; t(.975, 3)."""
    found = level(np.array([1.0, 1.0, 1.0, 0.0]), np.arange(4))
    half = float(stats.t.ppf(0.975, 3)) * np.sqrt(4 / 3 * 0.75 / 16 * 4 / 9 + 2 / 36)
    assert found.mean == 0.75
    assert found.low == pytest.approx(max(0, 0.75 - half))
    assert found.high == 1.0


@pytest.mark.parametrize("releases", [2, 5, 10])
@pytest.mark.parametrize("window", [1, 3])
def test_every_contrast_of_change_ignores_the_level(releases: int, window: int) -> None:
    weights = [slope(releases, last, window) for last in range(2, releases + 1)]
    weights += [step(releases, 1, before) for before in range(1, releases)]
    weights += neighbours(releases)
    for each in weights:
        assert each.shape == (releases,)
        assert float(each.sum()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("sizes", [[5, 5, 5], [1] * 30, [7, 7], [9, 1], [12, 8, 10, 9, 11, 10]])
def test_clusters_of_about_one_size_have_one_degree_of_freedom_less_than_they_are(
    sizes: list[int],
) -> None:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    panel = Panel.of(np.ones((sum(sizes), 2)), codes, epochs=1, binary=True)
    assert panel.freedom == len(sizes) - 1


def test_a_few_clusters_with_most_of_the_cases_count_for_few() -> None:
    """40 customers, the k-th with 400 / k cases: about as good as six of one size."""
    sizes = [400 // k for k in range(1, 41)]
    codes = np.repeat(np.arange(40), sizes)
    panel = Panel.of(np.ones((sum(sizes), 2)), codes, epochs=1, binary=True)
    assert panel.clusters == 40
    assert panel.freedom is not None and 3 < panel.freedom < 7
    assert panel.quantile(0.025) == pytest.approx(float(stats.t.ppf(0.975, panel.freedom)))


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 500), min_size=2, max_size=30))
def test_degrees_of_freedom_are_from_one_to_clusters_less_one(sizes: list[int]) -> None:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    panel = Panel.of(np.ones((sum(sizes), 1)), codes, epochs=1, binary=True)
    assert panel.freedom is not None and 1 <= panel.freedom <= len(sizes) - 1
