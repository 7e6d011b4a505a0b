"""Means anchored in people's labels: the formula by hand, coverage, and no false certainty."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, stdtrit

from headrace.evals.judges.anchored import Anchored, anchor
from headrace.evals.statistics.contrast import Floats, level


def floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def anchored(human: Floats, judge: Floats, rest: Floats) -> Anchored:
    return anchor(human, judge, rest, np.arange(len(human) + len(rest)))


def test_the_mean_and_its_interval_are_those_of_the_formula() -> None:
    human, judge = floats(1, 1, 0, 0, 1, 0, 1, 1), floats(1, 1, 1, 0, 1, 1, 0, 1)
    rest = floats(1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1)
    n, others = 8, 12
    both = np.concatenate([judge, rest])
    weight = np.cov(human, judge)[0, 1] / ((1 + n / others) * both.var(ddof=1))
    mean = human.mean() + weight * (rest.mean() - judge.mean())
    rectifier = human - weight * judge
    variance = rectifier.var() / n + weight**2 * rest.var() / others  # PPI++, Proposition 2
    half = stdtrit(n - 1, 0.975) * math.sqrt(
        variance * (n + others) / (n + others - 1) * (n / (n + 2)) ** 2 + 2 / (n + 2) ** 2
    )
    found = anchored(human, judge, rest)
    assert 0 < found.weight == pytest.approx(weight)
    assert found.mean == pytest.approx(mean)
    assert found.high - found.mean == pytest.approx(min(half, 1 - mean))
    assert found.mean - found.low == pytest.approx(min(half, mean))
    assert found.judge == pytest.approx(both.mean())
    assert (found.labels, found.judged) == (n, others)


@pytest.mark.parametrize(
    "judge", [floats(1, 1, 1, 1, 1, 1, 1, 1), floats(1, 0, 1, 0, 1, 0, 1, 0) * 0.5]
)
def test_a_judge_that_tells_nothing_leaves_what_people_say(judge: Floats) -> None:
    human = floats(1, 1, 0, 0, 1, 1, 0, 0)  # uncorrelated with either
    found = anchored(human, judge, floats(1, 0, 1, 1))
    alone = level(human, np.arange(8))
    assert found.weight == 0
    assert found.mean == pytest.approx(alone.mean)
    near = (pytest.approx(alone.low, abs=1e-12), pytest.approx(alone.high, abs=1e-12))
    # the attempts without labels add clusters, so the correction for few of them is a hair smaller
    assert found.low >= alone.low - 1e-12 and found.high <= alone.high + 1e-12
    assert anchored(human, judge, floats()).low == near[0]
    assert anchored(human, judge, floats()).high == near[1]


def test_a_judge_that_contradicts_people_is_not_turned_around() -> None:
    human = floats(1, 0, 1, 0, 1, 0)
    assert anchored(human, 1 - human, floats(0, 0, 0, 1)).weight == 0


_VALUES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=30)


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=2),
    rest=_VALUES,
)
def test_no_interval_has_zero_width_or_leaves_the_scale(
    pairs: list[tuple[float, float]], rest: list[float]
) -> None:
    human, judge = (floats(*column) for column in zip(*pairs, strict=True))
    found = anchored(human, judge, floats(*rest))
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.high > found.low
    assert 0 <= found.weight <= 1


def test_labels_of_one_cluster_tell_nothing() -> None:
    human = floats(1, 0, 1, 1)
    found = anchor(human, human, floats(1, 0), np.array([0, 0, 0, 0, 1, 2]))
    assert (found.low, found.high) == (0.0, 1.0)


Cell = tuple[int, int, float, float, float, int]  # labels, others, rate, sens., spec., clusters


@pytest.mark.parametrize(
    "cell",
    [
        *[(20, 500, 0.7, 0.9, 0.8, 0), (60, 600, 0.7, 0.9, 0.8, 0), (100, 900, 0.95, 0.95, 0.9, 0)],
        *[(60, 600, 0.8, 0.96, 0.11, 0), (100, 400, 0.7, 0.9, 0.8, 25)],
    ],
)
def test_the_interval_holds_the_truth_however_bad_the_judge(cell: Cell) -> None:
    labels, others, rate, sensitivity, specificity, groups = cell
    rng, total, histories = np.random.default_rng(11), labels + others, 800
    grid = np.linspace(-8, 8, 2001)
    weights = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()
    shift = math.log(rate / (1 - rate))
    truth = float(weights @ (1 / (1 + np.exp(-shift - grid)))) if groups else rate
    held = narrower = 0
    for _ in range(histories):
        codes = rng.integers(0, groups, total) if groups else np.arange(total)
        ease = rng.normal(size=groups or 1)
        chance = 1 / (1 + np.exp(-shift - ease[codes])) if groups else np.full(total, rate)
        human = (rng.random(total) < chance).astype(float)
        judge = np.where(
            human == 1, rng.random(total) < sensitivity, rng.random(total) >= specificity
        )
        said = judge.astype(float)
        found = anchor(human[:labels], said[:labels], said[labels:], codes)
        alone = level(human[:labels], codes[:labels])
        held += found.low <= truth <= found.high
        narrower += found.high - found.low < alone.high - alone.low
    assert held >= 0.935 * histories
    if specificity >= 0.8 and rate < 0.9:
        assert narrower > 0.8 * histories


def test_a_judge_that_flatters_is_corrected() -> None:
    rng = np.random.default_rng(5)
    human = (rng.random(2000) < 0.6).astype(float)
    judge = np.maximum(human, rng.random(2000) < 0.5)  # passes half of what people fail
    found = anchored(human[:200], judge[:200], judge[200:])
    assert found.judge > 0.77
    assert found.low < 0.6 < found.high < 0.72
    assert ndtr((found.judge - found.mean) / ((found.high - found.low) / 4)) > 0.999
