import numpy as np
from numpy.typing import NDArray

from headrace.evals.races.succession import Succession, succession

Floats = NDArray[np.float64]


def pair(gain: float, cases: int = 400, seed: int = 5) -> tuple[Floats, Floats]:
    luck = np.random.default_rng(seed).random((2, cases))
    return (luck[0] < 0.6 + gain).astype(float), (luck[1] < 0.6).astype(float)


def judge(winner: Floats, incumbent: Floats, *, margin: float = 0.0) -> Succession:
    codes = np.arange(len(winner), dtype=np.intp)
    return succession(winner, incumbent, codes, basis="fresh", level=0.05, margin=margin)


def test_a_clear_gain_is_promoted_and_none_is_not() -> None:
    assert judge(*pair(0.3)).promote
    assert not judge(*pair(0.0)).promote


def test_a_small_loss_is_promoted_where_one_says_that_one_can_bear_it() -> None:
    winner, incumbent = pair(-0.01, cases=4000)
    assert not judge(winner, incumbent).promote
    assert judge(winner, incumbent, margin=-0.05).promote


def test_fresh_cases_promote_no_better_than_by_chance() -> None:
    promoted = sum(judge(*pair(0.0, cases=150, seed=seed)).promote for seed in range(1000))
    assert promoted <= 0.05 * 1000 + 2.33 * (1000 * 0.05 * 0.95) ** 0.5


def test_few_absent_scores_are_left_out() -> None:
    winner, incumbent = pair(0.3)
    winner[:12] = np.nan
    found = judge(winner, incumbent)
    assert found.promote
    assert found.absent == 12
    assert found.difference is not None
    assert found.difference.cases == 388


def test_many_absent_scores_must_not_be_what_makes_the_winner() -> None:
    winner, incumbent = pair(0.0)
    winner[winner == 0] = np.nan  # it gives no answer where it would have been wrong
    found = judge(winner, incumbent)
    assert found.difference is not None
    assert found.difference.low > 0
    assert found.in_doubt
    assert not found.promote


def test_without_one_pair_of_scores_nothing_is_promoted() -> None:
    found = judge(np.full(60, np.nan), np.ones(60))
    assert (found.promote, found.difference, found.absent) == (False, None, 60)
