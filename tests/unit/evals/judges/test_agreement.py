"""Agreement of a judge with people: numbers of others, intervals that hold and never vanish."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from headrace.evals.judges.agreement import Agreement, agree
from headrace.evals.judges.calibration import calibrate
from headrace.evals.rate import wilson

Table = tuple[int, int, int, int]  # (human, judge): pass/pass, pass/fail, fail/pass, fail/fail


def labels(table: Table) -> tuple[list[int], list[int]]:
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    pairs = [pair for pair, count in zip(kinds, table, strict=True) for _ in range(count)]
    return [human for human, _ in pairs], [judge for _, judge in pairs]


def agreed(table: Table, clusters: Sequence[Any] | None = None) -> Agreement:
    human, judge = labels(table)
    return agree(human, judge, [str(c) for c in (clusters or range(len(human)))])


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ((22, 1, 24, 3), 0.0630),  # a real judge that passes nearly everything
        ((20, 5, 10, 15), 0.4),  # Cohen's own kind of example
        ((45, 15, 25, 15), 0.1304),
        ((25, 35, 5, 35), 0.2593),
        ((50, 0, 0, 50), 1.0),
        ((0, 50, 50, 0), -1.0),
        ((25, 25, 25, 25), 0.0),
    ],
)
def test_kappa_is_agreement_beyond_chance(table: Table, kappa: float) -> None:
    found = agreed(table).kappa
    assert found is not None and found == pytest.approx(kappa, abs=5e-5)


_TABLE = st.tuples(*[st.integers(1, 60)] * 4)


@settings(max_examples=60, deadline=None)
@given(table=_TABLE)
def test_kappa_and_its_error_are_those_of_statsmodels(table: Table) -> None:
    found = agreed(table)
    square = np.array(table, float).reshape(2, 2)
    theirs, smoothed = cohens_kappa(square), cohens_kappa(square + 0.5)
    n = square.sum()
    error = max(theirs.std_kappa * math.sqrt(n / (n - 1)), smoothed.std_kappa)
    assert found.kappa == pytest.approx(theirs.kappa, abs=1e-9)
    assert found.error == pytest.approx(error, abs=1e-9)
    assert found.low is not None and found.high is not None and found.bound is not None
    assert found.kappa is not None
    assert -1 <= found.low <= found.bound <= found.kappa <= found.high <= 1


@pytest.mark.parametrize("table", [(50, 0, 0, 50), (3, 0, 0, 1), (0, 9, 9, 0), (500, 0, 0, 500)])
def test_agreement_without_exception_is_no_certainty(table: Table) -> None:
    found = agreed(table)
    assert found.low is not None and found.high is not None
    assert found.high - found.low > 0.001
    assert found.sensitivity is not None and found.sensitivity.high > found.sensitivity.low


def test_repeated_attempts_at_a_case_are_no_new_witnesses() -> None:
    table: Table = (40, 10, 10, 40)
    quarter: Table = (10, 3, 3, 10)
    fourfold = agreed(table, [i // 4 for i in range(100)])
    alone, fewer = agreed(table), agreed(quarter)
    assert fourfold.kappa == alone.kappa and fourfold.clusters == 25
    assert fourfold.error is not None and alone.error is not None and fewer.error is not None
    assert fourfold.error > 1.7 * alone.error
    assert fourfold.error == pytest.approx(fewer.error, rel=0.2)
    assert fourfold.youden is not None and alone.youden is not None
    assert fourfold.youden < alone.youden
    wide, narrow = fourfold.sensitivity, alone.sensitivity
    assert wide is not None and narrow is not None
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)


def test_one_cluster_tells_nothing() -> None:
    found = agreed((20, 5, 5, 20), ["acme"] * 50)
    assert (found.low, found.high, found.bound, found.youden) == (-1.0, 1.0, -1.0, 0.05)


def test_sensitivity_and_specificity_have_wilsons_intervals() -> None:
    found = agreed((45, 5, 10, 40))
    assert (found.sensitivity, found.specificity) == (wilson(45, 50), wilson(40, 50))
    human, judge = labels((45, 5, 10, 40))
    calibration = calibrate({"human": human, "judge": judge}, confidence=0.9)
    assert found.youden is not None and found.youden <= calibration.youden
    assert found.youden == pytest.approx(calibration.youden, abs=0.01)


@pytest.mark.parametrize(
    ("table", "has_sensitivity", "has_kappa"),
    [
        ((30, 0, 0, 0), True, False),  # nobody ever says no
        ((30, 5, 0, 0), True, True),
        ((0, 0, 5, 30), False, True),
    ],
)
def test_what_one_kind_of_label_cannot_tell_is_absent(
    table: Table, has_sensitivity: bool, has_kappa: bool
) -> None:
    found = agreed(table)
    assert found.one_class and found.youden is None
    assert (found.sensitivity is not None, found.specificity is not None) == (
        has_sensitivity,
        not has_sensitivity,
    )
    assert (found.kappa is not None) == has_kappa


@pytest.mark.parametrize(
    ("n", "se", "sp"), [(50, 0.9, 0.8), (100, 0.95, 0.9), (100, 0.7, 0.6), (50, 0.97, 0.95)]
)
def test_the_interval_of_kappa_holds_the_truth(n: int, se: float, sp: float) -> None:
    rng, good = np.random.default_rng(7), 0.6
    passed = good * se + (1 - good) * (1 - sp)
    equal, chance = good * se + (1 - good) * sp, good * passed + (1 - good) * (1 - passed)
    truth = (equal - chance) / (1 - chance)
    held = above = 0
    for _ in range(600):
        human = (rng.random(n) < good).astype(int)
        judge = np.where(human == 1, rng.random(n) < se, rng.random(n) >= sp).astype(int)
        found = agree(human.tolist(), judge.tolist(), [str(i) for i in range(n)])
        assert found.low is not None and found.high is not None and found.bound is not None
        held += found.low <= truth <= found.high
        above += found.bound <= truth
    assert held >= 0.935 * 600
    assert above >= 0.88 * 600
