"""The resolver against known truth: 20,000 tasks, seven sources, two judges that err together."""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from headrace.curate.labels.calibration import ece
from headrace.curate.labels.family import propose
from headrace.curate.labels.resolver import Labels, resolve
from tests.unit.curate.labels.simulated import COMMON, NOW, VOICES, World, world

Floats = NDArray[np.float64]
JUDGES = {"judge/first": "judges", "judge/second": "judges"}
TRUSTED = ("late", "thumb", "answered", "no_error", "first", "second")


@pytest.fixture(scope="module")
def tasks() -> World:
    return world(np.random.default_rng(20261120))


@pytest.fixture(scope="module")
def labels(tasks: World) -> Labels:
    return resolve(tasks.votes, tasks.ended, now=NOW, waiting=timedelta(days=1), families=JUDGES)


def probabilities(found: Labels) -> Floats:
    assert found.base is not None
    return np.array(
        [found.base if label.success is None else label.success for label in found.labels]
    )


def accuracy(success: Floats, tasks: World) -> float:
    return float(((success > 0.5) == tasks.truth).mean())


def mean_vote(tasks: World) -> Floats:
    said = np.vstack([tasks.said, tasks.audits])
    cast = (said >= 0).sum(axis=0)
    mean: Floats = np.where(cast, np.where(said == 1, 1, 0).sum(axis=0) / np.maximum(cast, 1), 0.5)
    return mean


def first_word(tasks: World) -> Floats:
    """Auditors before the late outcome before thumbs before rules before judges."""
    names = [voice.name for voice in VOICES]
    order = [*tasks.audits, *(tasks.said[names.index(name)] for name in TRUSTED)]
    found = np.full(len(tasks.truth), -1)
    for row in order:
        found = np.where(found < 0, row, found)
    return np.where(found < 0, 0.5, found).astype(np.float64)


def test_pooled_it_beats_majority_and_precedence_and_is_calibrated(
    tasks: World, labels: Labels
) -> None:
    success = probabilities(labels)
    error, majority = ece(success, tasks.truth), ece(mean_vote(tasks), tasks.truth)
    assert accuracy(success, tasks) > accuracy(mean_vote(tasks), tasks) + 0.01
    assert accuracy(success, tasks) > accuracy(first_word(tasks), tasks) + 0.02
    assert accuracy(success, tasks) > 0.905
    assert error is not None and majority is not None
    assert error < 0.02 < majority


def test_pooling_carries_the_gain(tasks: World, labels: Labels) -> None:
    apart = resolve(tasks.votes, tasks.ended, now=NOW, waiting=timedelta(days=1))
    success = probabilities(apart)
    error = ece(success, tasks.truth)
    assert accuracy(success, tasks) < accuracy(probabilities(labels), tasks) - 0.03
    assert error is not None and error > 0.08


def test_labels_that_pass_a_gate_are_right(tasks: World, labels: Labels) -> None:
    state = np.array([label.state for label in labels.labels])
    good, bad = tasks.truth[state == "success"], tasks.truth[state == "failure"]
    assert len(good) > 0.5 * len(state) and good.mean() > 0.96
    assert len(bad) > 0.12 * len(state) and bad.mean() < 0.05


def test_rates_and_share_are_found(labels: Labels) -> None:
    truth = {f"{voice.source}/{voice.name}": voice for voice in VOICES}
    assert labels.base == pytest.approx(0.7, abs=0.02)
    for witness in labels.witnesses:
        if witness.name in truth:
            assert witness.hit == pytest.approx(truth[witness.name].hit, abs=0.04)
            assert witness.reject == pytest.approx(truth[witness.name].reject, abs=0.06)


def test_only_the_judges_that_err_together_are_proposed_as_a_family(tasks: World) -> None:
    [found] = propose(tasks.votes)
    assert (found.first, found.second) == ("judge/first", "judge/second")
    assert found.correlation == pytest.approx(COMMON, abs=0.2)


def test_a_declared_family_is_not_proposed_again(tasks: World) -> None:
    assert propose(tasks.votes, JUDGES) == []
