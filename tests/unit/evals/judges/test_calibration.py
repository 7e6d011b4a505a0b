"""What comes through a judge: sensitivity, specificity and a careful lower bound."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.judges.calibration import Calibration, calibrate
from headrace.evals.statistics.parameters import UnfitParameters

Z90 = 1.2815515655446004


def labels(good: tuple[int, int], bad: tuple[int, int]) -> dict[str, list[int]]:
    """Judged (right, wrong) among cases that humans called good, then bad."""
    judge = [1] * good[0] + [0] * good[1] + [0] * bad[0] + [1] * bad[1]
    return {"human": [1] * sum(good) + [0] * sum(bad), "judge": judge}


def judged(good: tuple[int, int], bad: tuple[int, int], confidence: float = 0.9) -> Calibration:
    return calibrate(labels(good, bad), confidence=confidence)


@pytest.mark.parametrize(
    ("good", "bad", "se", "sp", "youden"),
    [
        ((90, 10), (90, 10), 0.9, 0.9, 0.8 - Z90 * math.sqrt(2 * (0.09 + 0.0025) / 100)),
        ((80, 20), (45, 5), 0.8, 0.9, 0.7 - Z90 * math.sqrt(0.1625 / 100 + 0.095 / 50)),
        ((100, 0), (100, 0), 1.0, 1.0, 1 - Z90 * math.sqrt(2 * 0.0025 / 100)),  # never certain
        ((1, 0), (1, 0), 1.0, 1.0, 1 - Z90 * math.sqrt(0.5)),
        ((50, 50), (50, 50), 0.5, 0.5, 0.05),  # a coin: the floor
        ((0, 100), (0, 100), 0.0, 0.0, 0.05),  # worse than a coin, no negative gain
        ((100, 0), (0, 100), 1.0, 0.0, 0.05),  # says yes to everything
    ],
)
def test_the_bound_is_that_of_the_formula(
    good: tuple[int, int], bad: tuple[int, int], se: float, sp: float, youden: float
) -> None:
    found = judged(good, bad)
    assert (found.sensitivity, found.specificity) == (se, sp)
    assert found.youden == pytest.approx(youden, abs=1e-12)


def test_more_labels_of_the_same_judge_raise_the_bound() -> None:
    bounds = [judged((9 * n, n), (9 * n, n)).youden for n in (1, 10, 100, 1000)]
    assert bounds == sorted(bounds)
    assert 0.78 < bounds[-1] < 0.8


def test_more_confidence_lowers_the_bound() -> None:
    bounds = [judged((90, 10), (90, 10), confidence).youden for confidence in (0.5, 0.8, 0.9, 0.99)]
    assert bounds[0] == pytest.approx(0.8)
    assert bounds == sorted(bounds, reverse=True)


_COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(any)


@settings(max_examples=80, deadline=None)
@given(good=_COUNTS, bad=_COUNTS, order=st.randoms(use_true_random=False))
def test_pairs_may_come_in_any_order_and_as_anything_that_is_zero_or_one(
    good: tuple[int, int], bad: tuple[int, int], order: Any
) -> None:
    given = labels(good, bad)
    pairs = list(zip(given["human"], given["judge"], strict=True))
    order.shuffle(pairs)
    shuffled: dict[str, Any] = {
        "human": [h for h, _ in pairs],
        "judge": np.array([j for _, j in pairs], float),
    }
    found = judged(good, bad)
    assert calibrate(shuffled, confidence=0.9) == found
    assert 0.05 <= found.youden <= 1


@settings(max_examples=60, deadline=None)
@given(good=_COUNTS, bad=_COUNTS)
def test_good_and_bad_are_treated_alike(good: tuple[int, int], bad: tuple[int, int]) -> None:
    ours, theirs = judged(good, bad), judged(bad, good)
    assert (ours.sensitivity, ours.specificity) == (theirs.specificity, theirs.sensitivity)
    assert ours.youden == pytest.approx(theirs.youden, abs=1e-12)


def test_labels_of_one_cluster_say_less_than_as_many_strangers() -> None:
    given: dict[str, Any] = labels((90, 10), (85, 15))
    alone = calibrate(given, confidence=0.9)
    strangers = calibrate({**given, "cluster": range(200)}, confidence=0.9)
    assert strangers.youden == pytest.approx(alone.youden, abs=0.002)
    assert strangers.youden <= alone.youden
    fourfold = calibrate({**given, "cluster": [i // 4 for i in range(200)]}, confidence=0.9)
    assert fourfold.youden < alone.youden - 0.02
    assert (fourfold.sensitivity, fourfold.specificity) == (0.9, 0.85)
    assert calibrate({**given, "cluster": ["acme"] * 200}, confidence=0.9).youden == 0.05


def test_the_error_over_clusters_is_that_of_the_two_shares() -> None:
    given: dict[str, Any] = labels((90, 10), (85, 15))
    for name in ("human", "judge"):
        given[name] = given[name] * 25  # so many that half a label more or less is nothing
    clusters = [i // 2 for i in range(5000)]
    found = calibrate({**given, "cluster": clusters}, confidence=0.9).youden
    right = np.array(given["human"]) == np.array(given["judge"])
    truth = np.array(given["human"]) == 1
    parts = np.where(truth, (right - 0.9) / 2500, (right - 0.85) / 2500)
    sums = np.bincount(clusters, parts)
    assert found == pytest.approx(0.75 - Z90 * math.sqrt(sums @ sums * 2500 / 2499), abs=1e-9)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"human": [1, 0], "judge": [1, 0], "cluster": ["a"]}, "names 1 clusters for 2 labels"),
        ({}, "no 'human' labels: give a mapping with 'human' and 'judge'"),
        ({"human": [1, 0]}, "no 'judge' labels"),
        ({"human": [], "judge": []}, "all of one class: label cases of both kinds"),
        ({"human": [0, 0], "judge": [0, 1]}, "all of one class"),
        ({"human": [1, 1], "judge": [0, 1]}, "all of one class"),
        ({"human": [1, 0, 1], "judge": [0, 1]}, "pairs 3 human with 2 judge labels"),
        ({"human": [1, 0], "judge": [1, 2]}, "in 'judge' must be 0 or 1"),
        ({"human": [1, math.nan], "judge": [1, 0]}, "in 'human' must be 0 or 1"),
        ({"human": [1, None], "judge": [1, 0]}, "in 'human' must be 0 or 1"),
        ({"human": ["1", "0"], "judge": [1, 0]}, "in 'human' must be 0 or 1"),
    ],
)
def test_unfit_labels_are_refused_with_the_cure(given: Any, says: str) -> None:
    with pytest.raises(UnfitParameters, match=says):
        calibrate(given, confidence=0.9)
