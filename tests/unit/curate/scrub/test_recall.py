"""The floor under recall, for each kind, on planted episodes."""

import random
from typing import Any

import pytest

from headrace.curate.scrub.episode import scrub
from headrace.curate.silver import canary

KEY = bytes(range(32))
FLOOR = {"email": 0.99, "card": 0.99, "iban": 0.99, "ip": 0.99, "ssn": 0.99, "phone": 0.97}
FLOOR |= {"birth": 0.97, "name": 0.97, "address": 0.97}
BLIND = ("name_in_prose", "address_in_prose")


@pytest.fixture(scope="module")
def tally() -> Any:
    cases = canary.cases(random.Random(23), 120, filler=1)
    done = [scrub(case.messages, KEY) for case in cases]
    texts = [list(canary.strings(list(one.messages))) for one in done]
    return canary.tally(cases, texts, sum(sum(one.found.values()) for one in done))


@pytest.mark.parametrize("kind", FLOOR)
def test_enough_of_what_was_planted_is_found(kind: str, tally: Any) -> None:
    assert tally.planted[kind] >= 100
    assert tally.recall(kind) >= FLOOR[kind]


@pytest.mark.parametrize("kind", BLIND)
def test_names_and_addresses_in_prose_are_not_and_it_is_not_claimed(kind: str, tally: Any) -> None:
    assert tally.planted[kind] and tally.recall(kind) == 0


def test_what_only_looks_personal_stays(tally: Any) -> None:
    assert tally.lost == []
    assert tally.precision == pytest.approx(1, abs=0.01)


def test_every_planted_kind_has_a_floor_or_is_known_to_be_missed(tally: Any) -> None:
    assert set(tally.planted) == {*FLOOR, *BLIND}
