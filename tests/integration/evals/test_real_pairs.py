"""Pairs of real releases whose reading is known: ours is the same, and so is the exact p."""

from collections.abc import Mapping
from typing import Any

import pytest

from headrace.evals.compare import compare
from headrace.evals.statistics.comparison import Comparison
from tests.measured import needs_data, of, pairs

pytestmark = needs_data
READINGS = {
    "better": "improved",
    "worse": "regressed",
    "equivalent": "no change",
    "undecided": "inconclusive",
}


def judged(pair: Mapping[str, Any]) -> Comparison:
    suite = pair["suite"]
    return compare(of(suite, pair["before"]), of(suite, pair["after"]), delta=0.05)


@pytest.mark.parametrize("pair", pairs(), ids=lambda p: f"{p['suite']}: {p['before']} {p['after']}")
def test_a_pair_is_read_as_it_should_be(pair: Mapping[str, Any]) -> None:
    found = judged(pair)
    assert READINGS[found.state] == pair["reading"].partition(" (")[0]
    assert (found.n, found.fixed, found.broken) == (pair["n"], pair["fixed"], pair["broken"])
    assert found.mcnemar_p == pytest.approx(pair["mcnemar_exact_p"], abs=1e-6)
    assert found.difference == pytest.approx(pair["diff"], abs=1e-4)
    # at least as wide as an interval that trusts the normal curve and has no pseudo-cases
    low, high = pair["ci95"]
    assert found.low is not None and found.low < low + 1e-3
    assert found.high is not None and found.high > high - 1e-3


def test_a_configuration_that_was_run_twice_is_not_better_than_itself() -> None:
    one, other = "simple_test_run/gpt-4", "simple_human_eval_py_logging/gpt-4"
    suite = "reflexion/humaneval-py"
    assert compare(of(suite, one), of(suite, other), delta=0.05).state == "undecided"
