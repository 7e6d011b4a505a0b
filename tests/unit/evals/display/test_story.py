"""What is said of a trend: a sentence for every plight, and nothing absent becomes a zero."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from headrace.evals.display.sparkline import sparkline
from headrace.evals.load import load
from headrace.evals.trend import Trend, trend
from headrace.lake.store import Lake
from tests.evalruns import T0, case, released, run

HALF = [1.0, 0.0] * 30


def told(
    lake: Lake, project: str, *releases: Sequence[float | None], delta: float | None = 0.05
) -> Trend:
    """The trend of releases v0, v1, .. with one attempt per case."""
    released(lake, project, *(f"v{i}" for i in range(len(releases))))
    for i, values in enumerate(releases):
        run(lake, project, f"v{i}", values, started_at=T0 + timedelta(days=i))
    return trend(lake, project=project, suite="refunds", delta=delta)


def test_one_release(lake: Lake, project: str) -> None:
    assert told(lake, project, HALF).words == (
        "Cannot tell (one release): 60 shared cases, 1 release. "
        "A movement takes two releases, a plateau 4."
    )


def test_three_cases(lake: Lake, project: str) -> None:
    said = told(lake, project, *[[1.0, 0.0, 1.0]] * 5).words
    assert said.startswith("Cannot tell (too few shared cases): +0.0 points per 3 releases (")
    assert "To decide it would take about" in said and "more cases" in said


def test_every_case_passes(lake: Lake, project: str) -> None:
    found = told(lake, project, *[[1.0] * 60] * 5)
    assert found.words.startswith("Cannot tell (saturated): +0.0 points per 3 releases (")
    assert "The suite is near its top: add harder cases." in found.words
    assert found.frame["mean"].to_list() == [1.0] * 5


def test_no_case_passes(lake: Lake, project: str) -> None:
    found = told(lake, project, *[[0.0] * 60] * 5)
    assert "No case was ever solved: check the scorer, or add easier cases." in found.words


def test_a_run_in_which_every_measurement_failed(lake: Lake, project: str) -> None:
    found = told(lake, project, HALF, HALF, [None] * 60)
    assert found.words.startswith("Cannot tell (missing data): 0 shared cases, 3 releases.")
    assert (
        "v2 has no score: 60 attempts failed to be measured. That is no zero: run it again."
        in found.words
    )
    assert "No case was ever solved" not in found.words
    assert found.frame["mean"].to_list() == [0.5, 0.5, None]


def test_a_first_run_in_which_every_measurement_failed(lake: Lake, project: str) -> None:
    found = told(lake, project, [None] * 3)
    assert "v0 has no score: 3 attempts failed" in found.words
    assert found.sparkline == "·"


def test_releases_that_share_too_few_cases_are_named(lake: Lake, project: str) -> None:
    renamed: list[float | None] = [None] * 60
    older = [[*HALF, *renamed]] * 2
    newer = [[*renamed, *HALF]] * 4
    found = told(lake, project, *older, *newer)
    assert "Compared over the 60 cases that v2 to v5 share; v0 to v1 share too few of them." in (
        found.words
    )


def test_nothing_is_said_of_cases_that_all_releases_share(lake: Lake, project: str) -> None:
    assert "Compared over" not in told(lake, project, *[HALF] * 5).words


def test_the_cases_that_all_share_are_counted_where_some_are_absent(
    lake: Lake, project: str
) -> None:
    found = told(lake, project, *[HALF] * 4, [None, *HALF[1:]])
    assert "Compared over the 59 cases that v0 to v4 share." in found.words


def test_a_run_on_part_of_the_suite_is_named_as_what_leaves_too_few_cases(
    lake: Lake, project: str
) -> None:
    found = told(lake, project, *[HALF] * 4, [1.0] * 5)
    assert found.verdict.reason == "too few shared cases"
    assert "v4: scores of 5 cases, where the suite has had 60; run them on all." in found.words


def test_releases_without_one_case_in_common_are_told(
    lake: Lake, project: str, tmp_path: Path
) -> None:
    rows = [
        {"release": name, "case_id": f"{name}-{i}", "value": i % 2}
        for name in ("v0", "v1")
        for i in range(30)
    ]
    file = tmp_path / "renamed.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    load(lake, project, [file], suite="refunds", now=T0)
    said = trend(lake, project=project, suite="refunds").words
    assert "The newest releases have no case in common: renamed or edited" in said


def test_a_plateau_that_the_newest_look_does_not_contradict(lake: Lake, project: str) -> None:
    rng = np.random.default_rng(6)
    calm = [(rng.random(900) < 0.6).astype(float).tolist() for _ in range(9)]
    few: list[float | None] = [*calm[-1][:40], *([None] * 860)]
    found = told(lake, project, *calm[:-1], few, delta=0.1)
    assert (found.verdict.state, found.established) == ("inconclusive", "v4")
    assert found.words.startswith(
        f"Plateaued, established at v4; newest look inconclusive ({found.verdict.reason}), "
        "not contradicted: "
    )


def test_a_slice_that_falls_against_the_total(lake: Lake, project: str) -> None:
    names = ["refunds" if i < 40 else "booking" for i in range(500)]
    cases = [case(project, f"case-{i:04}", f"h{i}", T0, slice=name) for i, name in enumerate(names)]
    lake.write(lambda tx: tx.append("cases", cases))
    rng = np.random.default_rng(2)
    calm = [(rng.random(500) < 0.6).astype(float).tolist() for _ in range(5)]
    found = told(lake, project, *calm, [0.0] * 40 + calm[0][40:], delta=0.1)
    assert [part.name for part in found.slices] == ["refunds", "booking"]
    assert found.slices[0].state == "regressed"
    assert found.verdict.state != "regressed"
    assert "Slice refunds regresses against the total: -" in found.words


@pytest.mark.parametrize(("pairs", "said"), [(0, "estimated."), (3, "floor from A/A of 3 pairs.")])
def test_where_the_floor_comes_from(lake: Lake, project: str, pairs: int, said: str) -> None:
    rng = np.random.default_rng(4)
    for i in range(pairs):
        values = rng.permutation(HALF * 4).tolist()
        run(lake, project, f"v{i}", values, started_at=T0 + timedelta(days=30 + i))
    found = told(lake, project, *[rng.permutation(HALF * 4).tolist() for _ in range(4)])
    assert (found.noise.pairs if found.noise else 0) == pairs
    assert said in found.words
    floor = 0.05 / 5 if found.noise is None else found.noise.floor(0.05)
    assert found.verdict.tau == pytest.approx(floor)


def test_one_pair_does_not_lower_what_the_history_tells(lake: Lake, project: str) -> None:
    rng = np.random.default_rng(5)
    wild = [
        (rng.random(400) < share).astype(float).tolist()
        for share in (0.5, 0.8, 0.4, 0.75, 0.45, 0.8, 0.5)
    ]
    alone = told(lake, project, *wild).verdict.tau
    run(lake, project, "v3", wild[3], started_at=T0 + timedelta(days=50))
    paired = trend(lake, project=project, suite="refunds", delta=0.05)
    assert alone is not None and alone > 0.05
    assert paired.noise is None and paired.verdict.tau == pytest.approx(alone, rel=0.2)
    assert "estimated." in paired.words


def test_a_delta_that_is_assumed(lake: Lake, project: str) -> None:
    assert (
        "A delta of 3 points is assumed, not given." in told(lake, project, HALF, delta=None).words
    )


@pytest.mark.parametrize(
    ("means", "drawn"),
    [
        ([], ""),
        ([None], "·"),
        ([0.5], "▄"),
        ([0.0, 0.0], "▄▄"),
        ([0.1, 0.8], "▁█"),
        ([0.0, None, 0.5, 1.0], "▁·▅█"),
    ],
)
def test_a_sparkline_shows_what_is_absent(means: list[float | None], drawn: str) -> None:
    assert sparkline(means) == drawn


def test_a_sparkline_has_a_sign_per_mean() -> None:
    for means in product([None, 0.0, 0.3, 1.0], repeat=3):
        assert len(sparkline(means)) == 3
