from collections import Counter

import numpy as np
import pytest

from headrace.curate.labels.audit import ERROR, counted, error, held
from headrace.curate.labels.vote import Vote
from tests.unit.curate.labels.conftest import vote


def audit(value: int, author: str, episode: str = "e", at: float = 0) -> Vote:
    return vote(value, at=at, source="human", name="audit", author=author, episode_id=episode)


def test_without_double_audits_the_error_is_the_guess() -> None:
    assert error({"e": Counter({1: 1})}) == pytest.approx(ERROR)


def test_the_error_is_found_from_double_audits() -> None:
    truth = np.random.default_rng(1).random((4_000, 2)) < 0.12  # a slip
    audits = {str(i): Counter(int(slip) for slip in row) for i, row in enumerate(truth)}
    assert error(audits) == pytest.approx(0.12, abs=0.012)


def test_auditors_no_better_than_a_coin_hold_nothing() -> None:
    audits = {str(i): Counter({0: 1, 1: 1}) for i in range(100)}
    assert error(audits) == 0.5
    assert held({"e": Counter({1: 1})}, 0.5) == {}


def test_one_auditor_holds_an_episode_at_his_own_error_and_two_nearer_to_certain() -> None:
    found = held({"one": Counter({1: 1}), "no": Counter({0: 1}), "two": Counter({1: 2})}, 0.05)
    assert found == pytest.approx({"one": 0.95, "no": 0.05, "two": 0.95**2 / (0.95**2 + 0.05**2)})


def test_divided_auditors_hold_nothing() -> None:
    assert held({"e": Counter({0: 1, 1: 1})}, 0.05) == {}


def test_a_second_look_of_the_same_auditor_is_no_double_audit() -> None:
    found = counted([audit(1, "ann"), audit(0, "ann", at=1)])
    assert found == {"e": Counter({0: 1})}
