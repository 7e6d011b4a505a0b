"""What reviews are worth, from a real lake."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from headrace.evals.reviewers import LEAST, review
from headrace.lake import Lake
from headrace.lake.record import Review
from tests.reviewed import NOW, Desk


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def desk(lake: Lake, request: pytest.FixtureRequest) -> Desk:
    return Desk(lake, request.node.name)


def reviewed(
    desk: Desk,
    name: str,
    *said: tuple[str, bool],
    chance: float | None = 0.1,
    night: int = 0,
    action: Any = None,
    **fields: Any,
) -> None:
    """An item with its labels, as (reviewer, success)."""
    at = NOW + timedelta(days=night)
    kept = {key: fields.pop(key) for key in ("release",) if key in fields}
    desk.add(name, **kept)
    item = desk.ask(
        name, selection_probability=chance, drawn_at=None if chance is None else at, **fields
    )
    for reviewer, success in said:
        row = Review(
            project=desk.project, item_id=item, episode_id=name, revision=1, reviewer=reviewer,
            action=action or ("success" if success else "failure"), at=NOW,
            outcome_id=f"{name}{reviewer}",
        )  # fmt: skip
        desk.keep("reviews", row)


def test_without_reviews_it_says_what_to_run(desk: Desk) -> None:
    found = review(desk.lake, desk.project)
    assert (found.labelled, found.doubles, found.pairs, found.votes) == (0, 0, (), ())
    assert found.words == "No reviews yet: run `headrace review`."


def test_few_doubles_tell_nothing_yet(desk: Desk) -> None:
    for i in range(12):
        reviewed(desk, f"e{i}", ("ada", True), ("ben", True))
    reviewed(desk, "single", ("ada", True))
    desk.write()
    found = review(desk.lake, desk.project)
    assert found.reviewers == {"ada": 13, "ben": 12}
    assert (found.labelled, found.doubles) == (13, 12)
    assert found.together.agreement is None
    assert "cannot be told yet: 12 double reviews, 50 needed." in found.words
    assert "0 of the even sample reviewed, 50 needed." in found.words


def test_agreement_beyond_chance_of_those_who_looked_at_the_same(desk: Desk) -> None:
    """The table of Cohen's kappa as textbooks have it: 20, 5, 10, 15."""
    cells = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    for i, (first, second) in enumerate(cells):
        release = "v1" if i % 2 else "v2"
        reviewed(desk, f"e{i}", ("ada", first), ("ben", second), release=release)
    desk.write()
    found = review(desk.lake, desk.project)
    both = found.together.agreement
    assert both is not None and both.kappa is not None and both.low is not None
    assert both.agreement == pytest.approx(0.7)
    assert both.kappa == pytest.approx(0.4)
    assert both.low < 0.4 < (both.high or 0)
    assert [(part.name, part.items) for part in found.pairs] == [("ada, ben", 50)]
    assert {part.name: part.items for part in found.slices} == {"v1": 25, "v2": 25}
    assert found.words.startswith("Two reviewers agree on 70% of 50 double reviews (kappa 0.40, ")


def test_a_correction_is_a_failure(desk: Desk) -> None:
    for i in range(LEAST):
        reviewed(desk, f"e{i}", ("ada", False), action="correction")
        desk.keep("reviews", Review(
            project=desk.project, item_id=desk.ask(f"x{i}"), episode_id=f"e{i}", revision=1,
            reviewer="ben", action="skip", at=NOW,
        ))  # fmt: skip
    desk.write()
    found = review(desk.lake, desk.project)
    assert (found.labelled, found.doubles) == (LEAST, 0)
    assert found.reviewers == {"ada": LEAST}


def test_reviewers_and_votes_are_compared_by_why_an_item_was_picked(desk: Desk) -> None:
    for i in range(40):
        reviewed(desk, f"r{i}", ("ada", i % 4 > 0), resolution="success" if i % 4 else "failure")
    for i in range(30):
        reviewed(
            desk, f"d{i}", ("ada", True), chance=None, stratum="disagreement",
            resolution="failure",
        )  # fmt: skip
    for i in range(5):
        reviewed(desk, f"u{i}", ("ada", True), stratum="uncertainty", resolution="success")
        reviewed(desk, f"n{i}", ("ada", True), resolution="pending")
        reviewed(desk, f"t{i}", ("ada", True), ("ben", False), resolution="success")
    desk.write()
    found = {part.name: part for part in review(desk.lake, desk.project).votes}
    assert {name: part.items for name, part in found.items()} == {
        "random": 45,  # with what was drawn after it had been picked for being uncertain
        "disagreement": 30,
        "uncertainty": 5,
    }
    random, divided = found["random"].agreement, found["disagreement"].agreement
    assert random is not None and random.agreement == 1.0
    assert divided is not None and divided.agreement == 0.0
    assert found["uncertainty"].agreement is None  # too few


def test_whoever_settles_a_disagreement_is_no_double_review_and_decides(desk: Desk) -> None:
    for i in range(40):
        reviewed(desk, f"e{i}", ("ada", True), ("ben", True), resolution="success", asked=2)
    again: Any = {"stratum": "disagreement", "resolution": "success"}
    for i in range(10):
        said = ("ada", True), ("ben", False), ("cai", True)
        reviewed(desk, f"d{i}", *said, asked=3, **again)
        reviewed(desk, f"m{i}", ("ada", True), ("cai", False), asked=2, chance=None, **again)
    desk.write()
    found = review(desk.lake, desk.project)
    assert (found.labelled, found.doubles) == (60, 50)
    assert [(part.name, part.items) for part in found.pairs] == [("ada, ben", 50)]
    assert found.together.agreement is not None
    assert found.together.agreement.agreement == pytest.approx(0.8)
    votes = {part.name: part for part in found.votes}
    assert (votes["random"].items, votes["disagreement"].items) == (50, 10)
    assert votes["random"].agreement is not None and votes["random"].agreement.agreement == 1.0


def test_calibration_weighs_by_the_chance_of_being_drawn(desk: Desk) -> None:
    """Of likely ones all went well; of unlikely ones, which stand for three each, half did."""
    for i in range(40):
        reviewed(desk, f"a{i}", ("ada", True), p_success=0.95, chance=0.3)
        reviewed(desk, f"b{i}", ("ada", i % 2 == 0), p_success=0.05, chance=0.1)
    reviewed(desk, "picked", ("ada", True), p_success=0.5, chance=None, stratum="uncertainty")
    reviewed(desk, "mute", ("ada", True))
    desk.write()
    found = review(desk.lake, desk.project).calibration
    assert found.items == 80
    assert [round(one.weight, 6) for one in found.bins] == [0.75, 0.25]
    assert [one.seen for one in found.bins] == [0.5, 1.0]
    assert found.ece == pytest.approx(0.75 * 0.45 + 0.25 * 0.05)


def test_a_night_that_drew_one_weighs_no_more_than_one(desk: Desk) -> None:
    for i in range(50):
        reviewed(desk, f"a{i}", ("ada", True), p_success=0.95, chance=50 / 1_000)
    reviewed(desk, "late", ("ada", False), p_success=0.05, chance=1 / 1_000, night=1)
    desk.write()
    found = review(desk.lake, desk.project).calibration
    assert [one.weight for one in found.bins] == pytest.approx([1 / 51, 50 / 51])


def test_skips_of_the_even_sample_are_told(desk: Desk) -> None:
    reviewed(desk, "a", ("ada", True), p_success=0.5)
    reviewed(desk, "b", state="skipped", p_success=0.5)
    reviewed(desk, "c", state="skipped", chance=None)
    desk.write()
    assert review(desk.lake, desk.project).calibration.skipped == 1


def test_a_queue_over_many_nights_gives_back_the_calibration_of_all(desk: Desk) -> None:
    """Reviewers who know the truth, a resolver that is too sure of itself."""
    generator = np.random.default_rng(1)
    truth: dict[str, bool] = {}
    said = generator.uniform(0, 1, 400)
    for i, p in enumerate(said.tolist()):
        real = 0.5 + (p - 0.5) * 0.5
        truth[desk.add(f"e{i:03d}", p=p, resolution="success")] = bool(generator.random() < real)
    desk.write()
    close = "update review_items set state = 'answered' where project = $p"
    for day in range(3):
        desk.queue(100, days=day, twice=0)
        for item in desk.waiting("ada"):
            row = Review(
                project=desk.project, item_id=item.item_id, episode_id=item.episode_id,
                revision=1, reviewer="ada", at=NOW, outcome_id=item.item_id,
                action="success" if truth[item.episode_id] else "failure",
            )  # fmt: skip
            desk.keep("reviews", row)
        desk.write()
        desk.lake.write(lambda tx: tx.run(close, {"p": desk.project}))
    found = review(desk.lake, desk.project).calibration
    gap = float(np.mean([abs((p - 0.5) * 0.5) for p in said]))
    assert found.items >= 70
    assert found.ece == pytest.approx(gap, abs=0.08)
