"""False discovery rates: the same as somebody else's, whatever the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from headrace.evals.statistics.discovery import adjusted


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_rates_are_those_of_scipy(chances: list[float]) -> None:
    assert adjusted(chances) == pytest.approx(false_discovery_control(chances), abs=1e-12)


@given(st.permutations([0.001, 0.008, 0.039, 0.041, 0.9]))
def test_the_order_of_the_tests_does_not_matter(chances: list[float]) -> None:
    rates = dict(zip(chances, adjusted(chances), strict=True))
    assert [rates[p] for p in sorted(rates)] == pytest.approx([0.005, 0.02, 0.05125, 0.05125, 0.9])


def test_no_tests_have_no_rates() -> None:
    assert adjusted([]) == []
    assert np.isfinite(adjusted([0.0, 1.0])).all()
