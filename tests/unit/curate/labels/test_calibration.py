import numpy as np
import pytest

from headrace.curate.labels.calibration import bins, ece


def test_probabilities_that_come_true_have_no_error() -> None:
    assert ece([0.75] * 4, [1, 1, 1, 0]) == pytest.approx(0)


def test_the_error_is_the_mean_gap_over_bins() -> None:
    # .95 said, .5 seen, on half of them; .05 said, 0 seen, on the other half
    assert ece([0.95, 0.95, 0.05, 0.05], [1, 0, 0, 0]) == pytest.approx((0.45 + 0.05) / 2)


def test_the_ends_belong_to_the_outer_bins() -> None:
    assert [(part.said, part.seen) for part in bins([0.0, 1.0], [0, 1])] == [(0, 0), (1, 1)]


def test_nothing_seen_is_no_error_of_zero() -> None:
    assert ece([], []) is None


def test_an_uneven_sample_speaks_for_all_where_its_chances_are_known() -> None:
    generator = np.random.default_rng(3)
    said = generator.random(200_000)
    truth = generator.random(len(said)) < said**2  # too bold
    chance = np.where(said > 0.5, 0.02, 0.2)
    drawn = generator.random(len(said)) < chance
    whole, naive = ece(said, truth), ece(said[drawn], truth[drawn])
    weighted = ece(said[drawn], truth[drawn], chance[drawn])
    assert whole == pytest.approx(1 / 6, abs=0.005)
    assert weighted == pytest.approx(whole, abs=0.01)
    assert naive is not None and abs(naive - 1 / 6) < 0.05


def test_a_chance_of_zero_cannot_have_been_drawn() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ece([0.5], [1], [0.0])


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 probabilities, 1 truths"):
        ece([0.5, 0.5], [1])
