"""What counts as work, as a release and as a case, before any statistics."""

from datetime import timedelta

import numpy as np
import pytest

from headrace.evals.series import UnknownSeries
from headrace.evals.trend import Trend, trend
from headrace.lake.store import Lake
from tests.evalruns import T0, case, released, run

HALF = [1.0, 0.0] * 30


def seen(lake: Lake, project: str, **more: float) -> Trend:
    return trend(lake, project=project, suite="refunds", **more)  # type: ignore[arg-type]


def day(number: float) -> timedelta:
    return timedelta(days=number)


def test_ten_runs_without_work_are_no_plateau(lake: Lake, project: str) -> None:
    names = [f"v{i}" for i in range(10)]
    released(lake, project, *names)
    rng = np.random.default_rng(1)
    for i, name in enumerate(names):
        values = rng.permutation(HALF * 5).tolist()
        run(lake, project, name, values, config_hash="same", started_at=T0 + day(i))
    found = seen(lake, project, delta=0.2)
    assert (found.verdict.state, found.verdict.reason) == ("inconclusive", "one release")
    assert found.frame["release"].to_list() == ["v0"]
    assert found.frame["epochs"].to_list() == [10]


def test_a_run_that_is_made_up_for_joins_its_release(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b", "c")
    for at, name in enumerate(["a", "b", "c", "b"]):
        run(lake, project, name, HALF, started_at=T0 + day(40 + at))
    frame = seen(lake, project).frame
    assert frame["release"].to_list() == ["a", "b", "c"]
    assert frame["epochs"].to_list() == [1, 2, 1]


@pytest.mark.parametrize("status", ["started", "cancelled", "error"])
def test_only_complete_runs_enter(lake: Lake, project: str, status: str) -> None:
    released(lake, project, "a", "b")
    run(lake, project, "a", HALF)
    run(lake, project, "b", HALF)
    run(lake, project, "b", [0.0] * 60, started_at=T0 + day(1), status=status)
    frame = seen(lake, project).frame
    assert frame["mean"].to_list() == [0.5, 0.5]
    assert frame["epochs"].to_list() == [1, 1]


def test_going_back_to_an_older_configuration_is_that_release_again(
    lake: Lake, project: str
) -> None:
    released(lake, project, "a", "b", "c")
    for name, config in [("a", "x"), ("b", "y"), ("c", "x")]:
        run(lake, project, name, HALF, config_hash=config)
    frame = seen(lake, project).frame
    assert dict(zip(frame["release"], frame["epochs"], strict=True)) == {"a": 2, "b": 1}


def test_two_settings_of_one_release_are_one_release(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b")
    run(lake, project, "a", HALF, config_hash="x")
    run(lake, project, "a", HALF, config_hash="y", started_at=T0 + day(1))
    run(lake, project, "b", HALF)
    assert seen(lake, project).frame["epochs"].to_list() == [2, 1]


def test_another_judge_starts_another_series_and_it_is_said(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b", "c", "d")
    for name in ("a", "b", "c"):
        run(lake, project, name, HALF, judge="1a2b3c4d5e")
    for name in ("c", "d"):
        run(lake, project, name, [1.0] * 60, judge="9f8e7d6c5b", started_at=T0 + day(9))
    found = seen(lake, project)
    assert found.frame["release"].to_list() == ["a", "b", "c"]
    assert found.frame["mean"].to_list() == [0.5] * 3
    assert (
        "d was scored by exact@9f8e7d6c, not by exact@1a2b3c4d: another scorer, judge or version "
        "is another series." in found.words
    )
    newer = trend(lake, project=project, suite="refunds", scorer="exact@9f8e")
    assert newer.frame["release"].to_list() == ["c", "d"]


def test_a_judge_that_rules_a_release_worse_by_itself_makes_no_regression(
    lake: Lake, project: str
) -> None:
    released(lake, project, *"abcdef")
    for name in "abcde":
        run(lake, project, name, [1.0] * 60, judge="lenient")
    run(lake, project, "f", [0.0] * 60, judge="strict")
    assert seen(lake, project).verdict.state != "regressed"


def test_a_retired_case_makes_no_movement(lake: Lake, project: str) -> None:
    cases = [
        case(project, f"case-{i:04}", f"h{i}", T0, retired_at=T0 + day(5) if i < 20 else None)
        for i in range(60)
    ]
    lake.write(lambda tx: tx.append("cases", cases))
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0] * 20 + HALF[20:], started_at=T0 + day(1))
    run(lake, project, "b", [1.0] * 20 + HALF[20:], started_at=T0 + day(6))
    found = seen(lake, project)
    assert found.frame["cases"].to_list() == [60, 40]
    assert found.verdict.n == 40 and found.verdict.gain == 0


def test_a_case_edited_under_its_id_is_not_compared_with_what_it_was(
    lake: Lake, project: str
) -> None:
    cases = [
        version
        for i in range(60)
        for version in (
            case(project, f"case-{i:04}", f"old{i}", T0, retired_at=T0 + day(5)),
            case(project, f"case-{i:04}", f"new{i}", T0 + day(5)),
        )
    ]
    lake.write(lambda tx: tx.append("cases", cases))
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0] * 60, started_at=T0 + day(1))
    run(lake, project, "b", [0.0] * 60, started_at=T0 + day(6))
    found = seen(lake, project)
    assert (found.verdict.n, found.verdict.reason) == (0, "too few shared cases")


def test_a_run_that_left_no_scores_is_named_and_not_counted(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b", "c")
    run(lake, project, "a", HALF)
    run(lake, project, "b", HALF)
    run(lake, project, "c", [])
    found = seen(lake, project)
    assert found.frame["release"].to_list() == ["a", "b"]
    assert found.words.endswith("Without any score, and so not counted: c.")


def test_runs_without_any_score_are_no_trend(lake: Lake, project: str) -> None:
    run(lake, project, "a", [])
    with pytest.raises(UnknownSeries, match=r"left no scores \(release a\): look into their logs"):
        seen(lake, project)
