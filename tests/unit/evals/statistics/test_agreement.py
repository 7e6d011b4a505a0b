"""Errors and tests are those that statsmodels finds on the same numbers."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from headrace.evals.statistics.contrast import Panel, slope, step
from headrace.evals.statistics.pair import Pair


@pytest.mark.parametrize("groups", [12, 300])
@pytest.mark.parametrize("weights", [slope(5, 4, 3), step(5, 1, 3), step(5, 1, 1)])
def test_the_error_of_a_contrast_is_that_of_a_clustered_regression(
    groups: int, weights: np.ndarray
) -> None:
    values = np.random.default_rng(groups).random((300, 5))
    clusters = np.arange(300) % groups
    panel = Panel.of(values, clusters, epochs=1, binary=False)
    fitted = OLS(values @ weights, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}
    )
    found = panel.contrast(weights)
    assert found.estimate == pytest.approx(fitted.params[0], abs=1e-9)
    assert found.error == pytest.approx(fitted.bse[0], abs=1e-9)


def pair(means: np.ndarray, *, binary: bool) -> Pair:
    return Pair(
        means=means,
        clusters=np.arange(len(means)),
        epochs=1.0,
        once=True,
        binary=binary,
        within=None,
    )


def test_equivalence_is_that_of_two_one_sided_paired_tests() -> None:
    means = np.random.default_rng(5).random((400, 2))
    theirs, *_ = ttost_paired(means[:, 1], means[:, 0], -0.05, 0.05)
    assert pair(means, binary=False).equivalence(0.05) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("fixed", "broken"), [(6, 3), (12, 3), (13, 0), (0, 0), (20, 20)])
def test_the_exact_test_of_flips_is_mcnemars(fixed: int, broken: int) -> None:
    before = [0.0] * fixed + [1.0] * broken + [1.0] * 30
    after = [1.0] * fixed + [0.0] * broken + [1.0] * 30
    theirs = mcnemar([[30, broken], [fixed, 0]], exact=True).pvalue
    found = pair(np.array([before, after]).T, binary=True).mcnemar
    assert found == pytest.approx(theirs, abs=1e-9)
