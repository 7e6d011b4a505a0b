"""What is asked more or less is told with an interval, and noise is not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from headrace.evals.drift import Drift, drift
from headrace.lake.record import Cluster, Episode, Intent, ScrubbedEpisode
from headrace.lake.store import Lake

END = datetime(2026, 11, 20, tzinfo=UTC)


class Traffic:
    """Episodes of intents, week by week."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._number = count()

    def add(self, intent: str | None, *weeks: int, project: str = "p", **fields: object) -> None:
        """So many episodes in each week, the oldest first, the last one up to `END`."""
        names = [
            (f"e{next(self._number)}", END - timedelta(days=7 * back, hours=1))
            for back, asked in enumerate(reversed(weeks))
            for _ in range(asked)
        ]
        episodes = [_episode(name, project, at, **fields) for name, at in names]
        clusters = [
            Cluster(
                project=project, method="intent", cluster_id=intent, episode_id=name,
                representative=False,
            )
            for name, _ in names
            if intent is not None
        ]  # fmt: skip
        _put(self._lake, episodes)
        self._lake.write(lambda tx: tx.append("clusters", clusters))

    def seen(self, **given: object) -> dict[str, Drift]:
        return {one.intent: one for one in drift(self._lake, "p", **given)}  # type: ignore[arg-type]


def _episode(name: str, project: str, at: datetime, **fields: object) -> Episode:
    given = {"metadata": "{}", **fields}
    return Episode(
        project=project, episode_id=name, revision=1, at=at, ended_at=at, messages=(),
        trainable=(), **given,  # type: ignore[arg-type]
    )  # fmt: skip


def _put(lake: Lake, episodes: Sequence[Episode]) -> None:
    """As a night has seen them."""
    seen = [
        ScrubbedEpisode(
            project=row.project, episode_id=row.episode_id, revision=1, version="v", messages=(),
            request="", metadata="{}", found="{}", at=END,
        )
        for row in episodes
    ]  # fmt: skip
    lake.write(lambda tx: (tx.append("episodes", episodes), tx.append("scrubbed", seen)))


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    lake = Lake.open(tmp_path)
    _put(lake, [_episode("last", "p", END)])
    return Traffic(lake)


def test_what_is_asked_more_is_told_with_its_interval(traffic: Traffic) -> None:
    traffic.add("cancel", 20, 20, 20, 20, 60)
    traffic.add("book", 80, 80, 80, 80, 60)
    found = traffic.seen()
    cancel, book = found["cancel"], found["book"]
    assert (cancel.now, cancel.before, cancel.windows) == (60, 80, (20, 20, 20, 20, 60))
    assert (cancel.moved, book.moved) == ("more", "less")
    assert cancel.told.startswith("cancel: asked more often, 49.6% after 20.0% (")


def test_intervals_and_p_values_are_those_of_statsmodels(traffic: Traffic) -> None:
    traffic.add("cancel", 20, 25, 20, 20, 31)
    traffic.add("book", 80, 80, 80, 75, 60)
    cancel = traffic.seen()["cancel"]
    now, before = 92, 400  # one of them, `last`, is of no intent
    low, high = confint_proportions_2indep(31, now, 85, before, compare="diff", method="newcomb")
    assert (cancel.low, cancel.high) == pytest.approx((low, high), abs=1e-9)
    counts = [(31, 85), (60, 315), (1, 0)]
    chances = [proportions_ztest(pair, [now, before])[1] for pair in counts]
    expected = multipletests(chances, method="fdr_bh")[1]
    assert cancel.false_discovery == pytest.approx(expected[0], abs=1e-9)


def test_noise_is_no_change(traffic: Traffic) -> None:
    for name in "abcdefgh":
        traffic.add(name, 20, 22, 19, 21, 22 if name < "e" else 18)
    assert {one.moved for one in traffic.seen().values()} == {"steady"}


def test_too_little_traffic_tells_nothing(traffic: Traffic) -> None:
    traffic.add("cancel", 1, 0, 0, 1, 9)
    found = traffic.seen()["cancel"]
    assert (found.moved, found.change, found.false_discovery) == ("cannot tell", None, None)
    assert "too little traffic" in found.told


def test_an_intent_that_is_new_or_gone_is_seen(traffic: Traffic) -> None:
    traffic.add("steady", 50, 50, 50, 50, 50)
    traffic.add("new", 0, 0, 0, 0, 30)
    traffic.add("gone", 10, 10, 10, 10, 0)
    found = traffic.seen()
    assert (found["new"].moved, found["new"].share_before) == ("more", 0)
    assert (found["gone"].moved, found["gone"].share) == ("less", 0)


def test_the_window_may_end_earlier(traffic: Traffic) -> None:
    traffic.add("cancel", 0, 0, 0, 0, 30, 10)
    found = traffic.seen(until=END - timedelta(days=7))
    assert found["cancel"].windows == (0, 0, 0, 0, 30)


def test_the_product_names_intents_first_and_what_is_in_none_is_other(traffic: Traffic) -> None:
    traffic.add("cancel", 0, 0, 0, 0, 2, metadata='{"intent": "stop"}')
    traffic.add(None, 0, 0, 0, 0, 3)
    traffic.add("cancel", 0, 0, 0, 0, 9, parent_episode_id="root")
    traffic.add("cancel", 0, 0, 0, 0, 9, project="another")
    found = traffic.seen()
    assert {name: one.now for name, one in found.items()} == {"other": 4, "stop": 2}


def test_what_no_night_has_seen_is_not_counted(traffic: Traffic) -> None:
    traffic.add("cancel", 20, 20, 20, 20, 60)
    before = traffic.seen()
    fresh = [_episode(f"new{n}", "p", END + timedelta(days=1)) for n in range(9)]
    traffic._lake.write(lambda tx: tx.append("episodes", fresh))
    assert traffic.seen() == before


def test_names_are_shown_for_ids(traffic: Traffic) -> None:
    traffic.add("cancel_flight", 0, 0, 0, 0, 2)
    name = Intent(
        project="p", intent_id="cancel_flight", name="cancel flight", terms=("cancel",),
        named_by="terms", at=END,
    )  # fmt: skip
    traffic._lake.write(lambda tx: tx.append("intents", [name]))
    assert traffic.seen()["cancel_flight"].name == "cancel flight"


def test_an_empty_project_has_no_drift(traffic: Traffic) -> None:
    assert drift(traffic._lake, "nothing") == []
