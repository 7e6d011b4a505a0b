import numpy as np
import pytest

from headrace.evals.races.course import FIRST, STEP, Course, CourseTooShort, fresh_share


def singles(count: int) -> dict[str, str]:
    return {f"case{n:04d}": f"case{n:04d}" for n in range(count)}


def draw(
    clusters: dict[str, str], *, seed: int = 1, fresh: float = 0.0, limit: int | None = None
) -> Course:
    return Course.draw(clusters, np.random.default_rng(seed), fresh=fresh, limit=limit)


def test_the_first_look_is_at_fifty_cases_and_then_every_twenty_five() -> None:
    assert draw(singles(160)).ends == (50, 75, 100, 125, 160)  # the last ten make no round


def test_every_case_is_asked_once() -> None:
    course = draw(singles(137), fresh=0.5)
    asked = [case for n in range(len(course.ends)) for case in course.cases[course.round(n)]]
    assert sorted(asked) == sorted(singles(137))


def test_the_order_is_the_seeds_and_not_that_of_the_suite() -> None:
    there = singles(200)
    backwards = dict(reversed(there.items()))
    assert draw(there).cases == draw(backwards).cases
    assert draw(there).cases != draw(there, seed=2).cases
    assert draw(there).cases != tuple(there)


def test_a_cluster_is_never_divided_by_a_look() -> None:
    course = draw({f"case{n:04d}": f"group{n % 40}" for n in range(400)}, fresh=0.5)
    parts = [set(course.clusters[course.round(n)]) for n in range(len(course.ends))]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40


def test_the_last_cases_are_kept_fresh() -> None:
    course = draw(singles(600), fresh=0.5)
    assert course.ends[course.raced - 1] == 300
    assert course.ends[-1] == 600


def test_a_limit_is_never_exceeded_though_clusters_stay_whole() -> None:
    course = draw({f"case{n:04d}": f"group{n % 40}" for n in range(400)}, limit=105)
    assert len(course.cases) == 100


@pytest.mark.parametrize("cases, fresh, limit", [(0, 0.0, None), (49, 0.0, 90), (90, 0.5, None)])
def test_too_few_cases_to_stop_anybody_are_refused(
    cases: int, fresh: float, limit: int | None
) -> None:
    with pytest.raises(CourseTooShort, match=r"before 50.*eval compare"):
        draw(singles(cases), fresh=fresh, limit=limit)


def test_cases_are_kept_fresh_where_that_leaves_enough_to_race() -> None:
    assert fresh_share(2 * FIRST - 1) == 0
    assert fresh_share(2 * FIRST) > 0
    assert draw(singles(2 * FIRST), fresh=fresh_share(2 * FIRST)).raced == 1
    assert STEP < FIRST
