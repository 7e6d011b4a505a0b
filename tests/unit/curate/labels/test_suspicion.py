import numpy as np
import pytest
from numpy.typing import NDArray

from headrace.curate.labels.suspicion import LEAST, suspects

Floats = NDArray[np.float64]


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def planted(
    noise: float, *, episodes: int = 2_000, apart: float = 0.8
) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    """Features, labels, and which labels are wrong; two classes, 70 and 30 %, in 20 dimensions."""
    random = generator(1)
    truth = (random.random(episodes) < 0.7).astype(np.int64)
    features = random.normal(size=(episodes, 20)) + apart * truth[:, None]
    wrong = random.random(episodes) < noise
    return features, np.where(wrong, 1 - truth, truth), wrong


def alone(labels: NDArray[np.int64]) -> list[str]:
    return [str(i) for i in range(len(labels))]


def test_planted_noise_of_eight_percent_is_found() -> None:
    features, labels, wrong = planted(0.08)
    found = suspects(features, labels.tolist(), alone(labels), generator())
    places = [one.place for one in found]
    precision, recall = wrong[places].mean(), wrong[places].sum() / wrong.sum()
    # Measured .84 and .86; the guide has .735 and .842 on harder data.
    assert precision > 0.75
    assert recall > 0.8
    assert wrong[places[:50]].mean() > 0.97


def test_the_least_believable_label_comes_first() -> None:
    features, labels, _ = planted(0.08)
    found = suspects(features, labels.tolist(), alone(labels), generator())
    belief = [one.success if one.label else 1 - one.success for one in found]
    assert belief == sorted(belief)
    assert belief[0] < 0.01


def test_right_labels_of_classes_far_apart_are_not_suspected() -> None:
    features, labels, _ = planted(0.0, apart=3.0)
    assert suspects(features, labels.tolist(), alone(labels), generator()) == []


def test_features_that_tell_nothing_of_outcomes_contradict_nobody() -> None:
    features, labels, _ = planted(0.0, episodes=140, apart=0.0)
    assert suspects(features, labels.tolist(), alone(labels), generator()) == []


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """A wrong label that all copies carry is found only if copies share a fold's side."""
    features, labels, wrong = planted(0.08, episodes=300, apart=0.6)
    features, labels = np.repeat(features, 5, axis=0), np.repeat(labels, 5)
    features = np.hstack([features, np.repeat(np.eye(300) * 8, 5, axis=0)])  # each group's mark
    groups = [str(i // 5) for i in range(len(labels))]
    together = suspects(features, labels.tolist(), groups, generator())
    apart = suspects(features, labels.tolist(), alone(labels), generator())
    caught = {one.place // 5 for one in together} & set(np.flatnonzero(wrong).tolist())
    missed = {one.place // 5 for one in apart} & set(np.flatnonzero(wrong).tolist())
    assert len(caught) > 2 * len(missed)


def test_the_same_generator_gives_the_same_suspects() -> None:
    features, labels, _ = planted(0.08, episodes=400)
    first, again = (suspects(features, labels.tolist(), alone(labels), generator()) for _ in "ab")
    assert first == again


def test_too_few_of_a_class_leave_nobody_suspected() -> None:
    features, _, _ = planted(0.0, episodes=200)
    labels = [0] * (LEAST - 1) + [1] * (200 - LEAST + 1)
    assert suspects(features, labels, [str(i) for i in range(200)], generator()) == []


def test_features_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        suspects(np.array([[np.nan]]), [1], ["a"], generator())


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 rows, 2 labels, 1 groups"):
        suspects(np.ones((1, 1)), [1, 0], ["a"], generator())
