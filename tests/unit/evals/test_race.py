"""Races over simulated scores: what must never happen, what must, and how often."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from headrace.evals.race import IncumbentUnmeasured, NoRace, Progress, Race, Standing, follow
from headrace.evals.races.course import Course

Floats = NDArray[np.float64]
RACES = 120


def course(cases: int, rng: np.random.Generator, *, fresh: float, groups: int = 0) -> Course:
    clusters = {f"c{n:05d}": f"g{n % groups if groups else n}" for n in range(cases)}
    return Course.draw(clusters, rng, fresh=fresh)


def simulated(means: Sequence[float], cases: int, rng: np.random.Generator) -> Floats:
    """Binary scores (cases x entrants): hard cases are hard for everybody."""
    hard = rng.normal(0, 0.15, size=(cases, 1))
    return (rng.random((cases, len(means))) < np.array(means) + hard).astype(float)


def entered(candidates: int, incumbent: bool, **how: object) -> Race:
    names = tuple(f"c{n}" for n in range(candidates))
    rules = {"delta": 0.03, "incumbent": "old" if incumbent else None, **how}
    return Race(candidates=names, **rules)  # type: ignore[arg-type]


def run(race: Race, scores: Floats, rounds: int = 999) -> Progress:
    return follow(race, dict(zip(race.entrants, scores.T, strict=True)), rounds)


def races(
    means: Sequence[float],
    *,
    cases: int = 400,
    fresh: float = 0.5,
    groups: int = 0,
    count: int = RACES,
    incumbent: bool = True,
) -> list[Progress]:
    """Races between entrants of these true means, the last one being the incumbent."""
    rng = np.random.default_rng(7)
    entrants = len(means) - incumbent
    ran = []
    for _ in range(count):
        lane = course(cases, rng, fresh=fresh, groups=groups)
        scores = simulated(means, cases, rng)
        if groups:  # cases of a group share their luck
            scores = scores[: len(set(lane.clusters))][
                np.unique(lane.codes, return_inverse=True)[1]
            ]
        ran.append(run(entered(entrants, incumbent, course=lane), scores))
    return ran


def named(progress: Progress, name: str) -> Standing:
    return next(standing for standing in progress.standings if standing.name == name)


def share(progresses: list[Progress], *names: str) -> float:
    """Of races in which one of these was promoted."""
    hits = [p.succession and p.succession.promote and p.leader in names for p in progresses]
    return sum(map(bool, hits)) / len(hits)


@pytest.mark.parametrize("fresh", [0.0, 0.5])
@pytest.mark.parametrize("groups", [0, 40])
def test_candidates_that_are_no_better_are_promoted_at_most_at_alpha(
    fresh: float, groups: int
) -> None:
    found = share(races([0.65] * 7, fresh=fresh, groups=groups), *(f"c{n}" for n in range(6)))
    assert found <= 0.05 + 1.64 * (0.05 * 0.95 / RACES) ** 0.5


def test_a_candidate_far_behind_is_stopped_early() -> None:
    stopped = [named(p, "c2").stopped_at or 400 for p in races([0.65, 0.65, 0.41, 0.65])]
    assert np.median(stopped) <= 100
    assert max(stopped) <= 200


def test_the_best_of_clearly_different_candidates_is_practically_never_stopped() -> None:
    ran = races([0.75, 0.6, 0.5, 0.4, 0.6])
    assert sum(named(p, "c0").stopped_at is not None for p in ran) <= 0.01 * RACES
    assert sum(p.leader == "c0" for p in ran) >= 0.98 * RACES


def test_a_candidate_just_worth_having_is_stopped_at_most_at_alpha() -> None:
    ran = races([0.68, 0.65, 0.65, 0.65, 0.65])
    assert sum(named(p, "c0").stopped_at is not None for p in ran) <= 0.05 * RACES


def test_a_clear_gain_is_promoted_mostly_and_for_less_than_the_grid() -> None:
    ran = races([0.80, 0.6, 0.5, 0.4, 0.6])
    assert share(ran, "c0") >= 0.95
    asked = [sum(s.asked for s in p.standings) + p.cases for p in ran]
    assert np.mean(asked) <= 0.65 * 5 * 400


def test_a_single_candidate_faces_every_case_once_and_is_stopped_when_hopeless() -> None:
    good, bad = races([0.75, 0.6], count=50), races([0.40, 0.6], count=50)
    assert share(good, "c0") >= 0.9
    assert {p.succession.basis for p in good if p.succession} == {"fresh"}
    assert {p.standings[0].state for p in bad} == {"futile"}
    assert np.median([p.cases for p in bad]) <= 125


def test_without_an_incumbent_the_leader_stops_the_others_and_nobody_is_promoted() -> None:
    ran = races([0.7, 0.5, 0.4], fresh=0.0, incumbent=False, count=50)
    states = Counter(s.state for p in ran for s in p.standings)
    assert states["dominated"] >= 95
    assert states["futile"] == 0
    assert {p.leader for p in ran} == {"c0"}
    assert {p.succession for p in ran} == {None}
    assert np.median([p.cases for p in ran]) < 400


def test_without_fresh_cases_a_winner_is_tested_on_all_at_alpha_over_the_candidates() -> None:
    ran = races([0.9, 0.6, 0.5, 0.6], fresh=0.0, count=20)
    assert share(ran, "c0") == 1
    found = ran[0].succession
    assert found is not None
    assert found.basis == "raced"
    assert found.level == pytest.approx(0.05 / 3)
    assert {p.cases for p in ran} == {400}


def test_the_winner_is_judged_by_cases_that_did_not_pick_it() -> None:
    [progress] = races([0.9, 0.6, 0.5, 0.6], count=1)
    found = progress.succession
    assert found is not None
    assert found.difference is not None
    picked_after = max(s.asked for s in progress.standings if s.name != progress.leader)
    assert found.difference.cases == 400 - picked_after


def test_nobody_wins_where_all_are_futile() -> None:
    [progress] = races([0.4, 0.3, 0.7], count=1)
    assert progress.finished
    assert progress.leader is None
    assert progress.succession is None
    assert {s.state for s in progress.standings} <= {"futile", "dominated"}


def test_equals_survive_and_are_told_apart_by_nobody() -> None:
    states = Counter(s.state for p in races([0.65] * 4, count=50) for s in p.standings)
    assert states["survived"] + states["winner"] >= 140


def lanes(rng: np.random.Generator) -> tuple[Race, Floats]:
    race = entered(3, True, course=course(200, rng, fresh=0.5))
    return race, simulated([0.7, 0.6, 0.5, 0.6], 200, rng)


def test_the_same_scores_give_the_same_race_round_by_round() -> None:
    race, scores = lanes(np.random.default_rng(1))
    assert run(race, scores) == run(race, scores)
    seen = np.full_like(scores, np.nan)
    rounds = 0
    while not (now := run(race, seen, rounds)).finished:
        cases = race.course.round(now.rounds)
        for name in now.asking:
            at = race.entrants.index(name)
            seen[cases, at] = scores[cases, at]
        rounds += 1
    assert now == run(race, scores)


def test_before_the_first_round_everybody_is_asked_and_nobody_leads() -> None:
    race, scores = lanes(np.random.default_rng(1))
    progress = run(race, scores, 0)
    assert progress.asking == ("c0", "c1", "c2", "old")
    assert progress.leader is None
    assert {s.state for s in progress.standings} == {"racing"}
    assert {s.difference for s in progress.standings} == {None}


def test_an_absent_score_is_left_out_and_never_a_zero() -> None:
    race, scores = lanes(np.random.default_rng(1))
    scores[:20, 0] = np.nan
    found = run(race, scores, 1).standings[0]
    assert (found.asked, found.absent) == (50, 20)
    assert found.mean == pytest.approx(np.nanmean(scores[:50, 0]))
    assert found.difference is not None
    assert found.difference.cases == 30
    assert found.state == "racing"


def test_nobody_is_stopped_on_fewer_than_fifty_pairs_of_scores() -> None:
    race, scores = lanes(np.random.default_rng(1))
    scores[:, 1], scores[:, 3] = 0.0, 1.0
    scores[0, 1] = np.nan
    assert run(race, scores, 1).standings[1].state == "racing"
    assert run(race, scores, 2).standings[1].state == "futile"


def test_a_candidate_without_a_score_in_a_whole_round_has_failed_and_the_others_go_on() -> None:
    race, scores = lanes(np.random.default_rng(1))
    scores[50:75, 0] = np.nan
    progress = run(race, scores, 2)
    assert progress.standings[0].state == "failed"
    assert (progress.standings[0].stopped_at, progress.standings[0].absent) == (75, 25)
    assert "c1" in progress.asking


def test_an_incumbent_without_a_score_in_a_whole_round_ends_the_race() -> None:
    race, scores = lanes(np.random.default_rng(1))
    scores[50:75, 3] = np.nan
    with pytest.raises(IncumbentUnmeasured, match=r"25 answers of the incumbent 'old' in round 2"):
        run(race, scores)


@pytest.mark.parametrize(
    "how, said",
    [
        ({"candidates": 1, "incumbent": False}, "two candidates"),
        ({"candidates": 2, "incumbent": True, "alpha": 0.5}, "alpha lies between"),
        ({"candidates": 2, "incumbent": True, "delta": 1.0}, "delta between"),
    ],
)
def test_what_makes_no_race_is_refused(how: dict[str, object], said: str) -> None:
    lane = course(100, np.random.default_rng(1), fresh=0.0)
    with pytest.raises(NoRace, match=said):
        entered(course=lane, **how)  # type: ignore[arg-type]


def test_an_incumbent_that_is_a_candidate_too_is_refused() -> None:
    lane = course(100, np.random.default_rng(1), fresh=0.0)
    with pytest.raises(NoRace, match="twice"):
        Race(candidates=("a", "b"), incumbent="a", course=lane, delta=0.03)
