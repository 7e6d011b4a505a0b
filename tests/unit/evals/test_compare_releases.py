"""Two releases of a lake compared: which scores, which scorer, and what is refused."""

from datetime import timedelta

import pytest

from headrace.evals.compare import UnequalScorers, compare_releases
from headrace.evals.errors import EvalError
from headrace.evals.series import UnknownSeries
from headrace.evals.statistics.comparison import Comparison
from headrace.lake.store import Lake
from tests.evalruns import T0, case, released, run

BEFORE = [0.0] * 12 + [1.0] * 3 + [1.0] * 45
AFTER = [1.0] * 12 + [0.0] * 3 + [1.0] * 45


def compared(lake: Lake, project: str, **more: str) -> Comparison:
    return compare_releases(
        lake, suite="refunds", project=project, delta=0.05, **{"a": "v1", "b": "v2", **more}
    )


def test_two_releases_are_paired_by_case(lake: Lake, project: str) -> None:
    released(lake, project, "v1", "v2", "v3")
    for name, values in [("v1", BEFORE), ("v2", AFTER), ("v3", BEFORE)]:
        run(lake, project, name, values)
    found = compared(lake, project)
    assert (found.state, found.fixed, found.broken, found.n) == ("better", 12, 3, 60)
    assert (found.a, found.b, found.test) == ("v1", "v2", "exact McNemar")
    assert compared(lake, project, a="v2", b="v3").state == "worse"


def test_clusters_and_slices_come_from_the_cases(lake: Lake, project: str) -> None:
    rows = [
        case(project, f"case-{i:04}", f"h{i}", T0, cluster=f"k{i % 30}", slice="ab"[i % 2])
        for i in range(60)
    ]
    lake.write(lambda tx: tx.append("cases", rows))
    run(lake, project, "v1", BEFORE)
    run(lake, project, "v2", AFTER)
    found = compared(lake, project)
    assert (found.clusters, found.test) == (30, "cluster-robust t")
    assert [(part.name, part.n) for part in found.slices] == [("a", 30), ("b", 30)]


def test_a_case_that_was_edited_or_retired_between_is_not_compared(
    lake: Lake, project: str
) -> None:
    later = T0 + timedelta(days=5)
    edits = [
        case(project, "case-0000", "old", T0, retired_at=later),
        case(project, "case-0000", "new", later),
        case(project, "case-0001", "same", T0, retired_at=later),
    ]
    lake.write(lambda tx: tx.append("cases", edits))
    run(lake, project, "v1", BEFORE, started_at=T0 + timedelta(days=1))
    run(lake, project, "v2", AFTER, started_at=T0 + timedelta(days=6))
    found = compared(lake, project)
    assert (found.n, found.only_b) == (58, ("case-0000@new",))
    assert found.only_a == ("case-0000@old", "case-0001")


def test_one_configuration_under_two_names_is_never_better(lake: Lake, project: str) -> None:
    run(lake, project, "v1", BEFORE, config_hash="x")
    run(lake, project, "v2", AFTER, config_hash="x")
    found = compared(lake, project)
    assert (found.state, found.reason) == ("undecided", "one configuration")
    assert found.mcnemar_p is not None and found.mcnemar_p < 0.05
    with pytest.raises(EvalError, match="release 'v1' is named twice"):
        compared(lake, project, b="v1")


def test_a_wobble_seen_in_the_series_is_allowed_for(lake: Lake, project: str) -> None:
    released(lake, project, "v0", "v1", "v2")
    for name, values in [("v1", BEFORE), ("v2", AFTER)]:
        run(lake, project, name, values)
    sure = compared(lake, project)
    for day, values in enumerate([BEFORE, AFTER, BEFORE, AFTER]):
        run(lake, project, "v0", values, started_at=T0 + timedelta(days=day))
    shaken = compared(lake, project)
    assert (sure.tau, sure.state) == (0.0, "better")
    assert shaken.tau > 0.05 and shaken.state == "undecided"
    assert shaken.difference == sure.difference


def test_runs_that_broke_off_are_not_compared(lake: Lake, project: str) -> None:
    run(lake, project, "v1", BEFORE)
    run(lake, project, "v2", AFTER, status="error")
    with pytest.raises(UnknownSeries, match="release 'v2' has no scores in suite .* scores: v1$"):
        compared(lake, project)


def test_the_scorer_with_most_cases_of_both_is_taken(lake: Lake, project: str) -> None:
    for name in ("v1", "v2"):
        run(lake, project, name, [1.0] * 30, scorer="loose", judge="1a2b3c4d5e")
        run(lake, project, name, BEFORE, scorer="loose", judge="9f")
    run(lake, project, "v1", BEFORE * 2, scorer="only-one")
    assert compared(lake, project).n == 60
    assert compared(lake, project, scorer="loose@1a2b").n == 30
    with pytest.raises(UnknownSeries, match="release 'v1' has no scores by scorer 'loose@77'"):
        compared(lake, project, scorer="loose@77")


def test_releases_that_no_scorer_shares_are_refused(lake: Lake, project: str) -> None:
    run(lake, project, "v1", BEFORE, judge="1a2b3c4d5e")
    run(lake, project, "v2", AFTER, judge="9f8e7d6c5b")
    with pytest.raises(UnequalScorers, match="v1 by exact@1a2b3c4d; v2 by exact@9f8e7d6c. Score"):
        compared(lake, project)


def test_an_unknown_suite_of_a_comparison_is_refused(lake: Lake, project: str) -> None:
    run(lake, project, "v1", BEFORE)
    with pytest.raises(UnknownSeries, match="suites with runs: refunds"):
        compare_releases(lake, suite="x", a="v1", b="v2", project=project)
