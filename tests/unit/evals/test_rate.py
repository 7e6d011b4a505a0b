"""Success rates in production: among what was marked, with an honest interval."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.evals.rate import success_rates, wilson
from headrace.lake.record import Cluster, Episode, Release, Resolution, Resolved
from headrace.lake.store import Lake

T0 = datetime(2026, 10, 1, 12, tzinfo=UTC)
Produce = Callable[..., None]


@pytest.fixture
def produce(lake: Lake, project: str) -> Produce:
    """Write root episodes of one release with these resolutions."""

    def write(
        release: str | None,
        *resolutions: Resolution,
        requests: str = "",
        parent: str | None = None,
        day: int = 0,
    ) -> None:
        names = [f"{release}-{parent}-{day}-{i}" for i in range(len(resolutions))]
        at = T0 + timedelta(days=day)
        episodes = [
            Episode(
                project=project,
                episode_id=name,
                revision=1,
                at=at,
                messages=(),
                trainable=(),
                release=release,
                started_at=at,
                parent_episode_id=parent,
            )
            for name in names
        ]
        resolved = [
            Resolved(project=project, episode_id=name, resolution=resolution, at=at)
            for name, resolution in zip(names, resolutions, strict=True)
        ]
        clusters = [
            Cluster(
                project=project,
                method="request",
                cluster_id=request,
                episode_id=name,
                representative=True,
            )
            for name, request in zip(names, requests, strict=False)
        ]
        lake.write(
            lambda tx: (
                tx.append("episodes", episodes),
                tx.append("resolutions", resolved),
                tx.append("clusters", clusters),
            )
        )

    return write


def test_the_rate_is_among_the_marked(lake: Lake, project: str, produce: Produce) -> None:
    produce("a", "success", "failure", "success", "pending", "conflicting", "unmarked")
    [row] = success_rates(lake, project).to_dicts()
    counted = ("episodes", "successes", "failures", "pending", "conflicting", "unmarked")
    assert [row[name] for name in counted] == [6, 2, 1, 1, 1, 1]
    assert (row["rate"], row["of_all"]) == (pytest.approx(2 / 3), pytest.approx(2 / 6))
    theirs = stats.binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert (row["low"], row["high"]) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_nothing_marked_is_no_rate(lake: Lake, project: str, produce: Produce) -> None:
    produce("a", "pending", "unmarked")
    [row] = success_rates(lake, project).to_dicts()
    assert (row["rate"], row["low"], row["high"], row["of_all"]) == (None, None, None, 0.0)


def test_episodes_of_one_request_are_no_independent_evidence(
    lake: Lake, project: str, produce: Produce
) -> None:
    produce(
        "a",
        *["success"] * 20,
        *["failure"] * 20,
        requests="p" * 10 + "q" * 10 + "r" * 10 + "s" * 10,
    )
    [row] = success_rates(lake, project).to_dicts()
    alone = wilson(20, 40)
    assert (row["clusters"], row["rate"]) == (4, 0.5)
    assert row["high"] - row["low"] > 2 * (alone.high - alone.low)


def test_only_root_episodes_count(lake: Lake, project: str, produce: Produce) -> None:
    produce("a", "success")
    produce("a", "failure", "failure", parent="a-None-0-0")
    assert success_rates(lake, project)["episodes"].to_list() == [1]


def test_releases_stand_in_the_order_of_their_time(
    lake: Lake, project: str, produce: Produce
) -> None:
    produce("a", "success", day=9)
    produce("b", "success", day=3)
    produce("c", "success", day=1)
    late = Release(project=project, release="c", at=T0 + timedelta(days=5))
    lake.write(lambda tx: tx.append("releases", [late]))
    assert success_rates(lake, project)["release"].to_list() == ["b", "c", "a"]


def test_episodes_of_no_known_release_are_a_row(lake: Lake, project: str, produce: Produce) -> None:
    produce(None, "success", "failure")
    assert success_rates(lake, project).select("release", "episodes").rows() == [(None, 2)]


def test_releases_may_be_picked(lake: Lake, project: str, produce: Produce) -> None:
    for release in ("a", "b", None):
        produce(release, "success", "failure")
    whole = success_rates(lake, project)
    some = success_rates(lake, project, releases=["b", None, "nobody"])
    assert some["release"].to_list() == ["b", None]
    assert some.rows() == [row for row in whole.rows() if row[0] != "a"]
    assert len(success_rates(lake, project, releases=[])) == 0


def test_an_empty_project_has_no_rows_but_columns(lake: Lake) -> None:
    found = success_rates(lake, "nobody")
    assert (len(found), "of_all" in found.columns) == (0, True)


@settings(deadline=None)
@given(trials=st.integers(1, 400), share=st.floats(0, 1))
def test_wilson_agrees_with_scipy(trials: int, share: float) -> None:
    wins = round(share * trials)
    ours, theirs = (
        wilson(wins, trials),
        stats.binomtest(wins, trials).proportion_ci(0.95, method="wilson"),
    )
    assert ours.low == pytest.approx(float(theirs.low), abs=1e-9)
    assert ours.high == pytest.approx(float(theirs.high), abs=1e-9)
    assert ours.low <= ours.mean <= ours.high
