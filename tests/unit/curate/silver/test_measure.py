"""What is said of the scrub is what was measured."""

import pytest

from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME
from headrace.curate.silver.measure import BLIND, Measured, measured


def test_what_is_found_and_what_is_not_are_measured_on_the_same_episodes() -> None:
    found = measured()
    assert {kind for kind, share in found.recall.items() if share < 0.9} == set(BLIND)
    assert all(found.recall[kind] == 0 for kind in BLIND)
    assert found.precision == pytest.approx(1, abs=0.01)
    assert measured() == found


def test_a_second_finder_shows_in_the_figures() -> None:
    def find(text: str) -> list[tuple[int, int, Kind]]:
        at = text.find("Quimby")
        return [] if at < 0 else [(at, at + 6, NAME)]

    assert measured(find).recall["name_in_prose"] == 1
    assert measured(find).recall["address_in_prose"] == 0


def test_a_share_that_is_not_all_is_never_said_to_be_all() -> None:
    recall = {"email": 0.999, "name": 1.0, "name_in_prose": 0.0, "address_in_prose": 0.105}
    said = Measured(episodes=7, recall=recall, precision=0.9999).sentences
    assert (
        "On 7 made-up episodes, recall by kind was email 0.99, name 1.00, and precision 0.99."
        in (said)
    )
    assert "**Names and addresses in prose are not covered** (recall 0.00 and 0.10)" in said
