import numpy as np

from headrace.curate.screens.outlier import outliers

RNG = np.random.default_rng(7)


def test_a_score_far_off_its_judge_is_found_on_any_scale() -> None:
    judged = RNG.uniform(0, 1, 200)
    scores = 1 + 4 * judged + RNG.normal(0, 0.2, 200)  # stars
    scores[17], judged[17] = 5.0, 0.05
    scores[90], judged[90] = 1.0, 0.95
    found = np.flatnonzero(outliers(scores, judged, times=4.0))
    assert {17, 90} <= set(found.tolist())
    assert len(found) < 20


def test_a_judge_of_two_words_has_two_levels() -> None:
    judged = np.repeat([0.0, 1.0], 50)
    scores = judged + RNG.normal(0, 0.05, 100)
    scores[3] = 1.0
    assert outliers(scores, judged, times=6.0).tolist() == [i == 3 for i in range(100)]


def test_scores_without_spread_are_no_measure() -> None:
    judged = np.repeat([0.0, 1.0], 50)
    scores = judged.copy()
    scores[:5] = 1.0
    assert not outliers(scores, judged, times=4.0).any()
