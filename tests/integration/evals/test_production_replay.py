"""Production answers the suite: outcomes by release, absent where nobody knows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.evals.case import build
from headrace.evals.errors import NothingToRun
from headrace.evals.load import load
from headrace.evals.production import production


def replay(product: Any) -> Any:
    return production(product.lake, product.project, now=product.now)


def test_outcomes_are_scores_and_the_unknown_is_absent_and_named(product: Any) -> None:
    product.episode("e1", release="v1")
    product.episode("e2", release="v1", resolution="failure")
    product.episode("e3", release="v2", resolution="pending")
    build(product.lake, product.project, now=product.now)
    first, second = replay(product)
    assert (first.release, first.cases, first.scores, first.mean) == ("v1", 1, 2, 0.5)
    assert (second.release, second.absent, second.mean) == ("v2", 1, None)
    assert second.reasons == {"outcome pending": 1}
    rows = product.scores()
    assert [(r["epoch"], r["value"], r["error"]) for r in rows] == [
        (1, 1.0, None),
        (2, 0.0, None),
        (1, None, "outcome pending"),
    ]
    assert {r["scorer"] for r in rows} == {"outcome"}
    assert (rows[0]["input_tokens"], str(rows[0]["cost_usd"])) == (100, "0.002500000")


def test_replaying_the_same_outcomes_writes_nothing(product: Any) -> None:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    assert [ran.changed for ran in replay(product)] == [True]
    snapshot = product.lake.snapshot_id
    assert [ran.changed for ran in replay(product)] == [False]
    assert product.lake.snapshot_id == snapshot


def test_a_late_outcome_rewrites_its_run_alone(product: Any) -> None:
    product.episode("e1", release="v1")
    product.episode("e2", release="v2", resolution="pending")
    build(product.lake, product.project, now=product.now)
    replay(product)
    product.resolve("e2", "success")
    first, second = replay(product)
    assert (first.changed, second.changed, second.mean) == (False, True, 1.0)
    assert len(product.table("runs")) == 2
    assert len(product.scores()) == 2


def test_only_requests_of_the_suite_count(product: Any) -> None:
    product.episode("e1")
    product.episode("e2", request="r2", split="train", resolution="failure")
    product.episode("e3", parent="e1", resolution="failure")
    build(product.lake, product.project, now=product.now)
    [ran] = replay(product)
    assert (ran.scores, ran.mean) == (1, 1.0)


def test_an_episode_of_merged_requests_counts_once(product: Any) -> None:
    product.episode("e1")
    product.episode("e2", request="r2")
    build(product.lake, product.project, now=product.now)
    product.merge("r2", into="r1")
    build(product.lake, product.project, now=product.now + timedelta(days=1))
    [ran] = replay(product)
    assert (ran.cases, ran.scores) == (1, 2)


def test_a_run_whose_episodes_are_gone_goes_too(product: Any) -> None:
    product.episode("e1", release="v1")
    product.episode("e2", release="v2")
    build(product.lake, product.project, now=product.now)
    replay(product)
    gone = {"project": product.project}
    erase = "delete from episodes where project = $project and episode_id = 'e1'"
    product.lake.write(lambda tx: tx.run(erase, gone))
    assert [ran.release for ran in replay(product)] == ["v2"]
    assert [row["release"] for row in product.table("runs")] == ["v2"]
    assert len(product.scores()) == 1


def test_replayed_releases_are_known_as_observed(product: Any) -> None:
    product.episode("e1", release="v7")
    build(product.lake, product.project, now=product.now)
    replay(product)
    [release] = product.table("releases")
    assert (release["release"], release["kind"]) == ("v7", "observed")


def test_names_with_colons_never_share_a_run(product: Any) -> None:
    inner = type(product)(product.lake, f"{product.project}:production")
    product.episode("e1", release="production:r1")
    inner.episode("e2", release="r1", resolution="failure")
    for one in (product, inner):
        build(one.lake, one.project, now=one.now)
    [outer_ran], [inner_ran] = replay(product), replay(inner)
    assert outer_ran.run_id != inner_ran.run_id
    assert [row["value"] for row in product.scores()] == [1.0]
    assert [row["value"] for row in inner.scores()] == [0.0]


def test_a_replay_leaves_every_other_run_of_the_suite_alone(product: Any, tmp_path: Path) -> None:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    replay(product)
    file = tmp_path / "s.jsonl"
    file.write_text('{"release": "v1", "case_id": "a", "value": 1}')
    load(product.lake, product.project, [file], suite="production", now=product.now)
    snapshot = product.lake.snapshot_id
    assert [ran.changed for ran in replay(product)] == [False]
    assert product.lake.snapshot_id == snapshot


def test_a_suite_without_production_cases_is_refused(product: Any) -> None:
    with pytest.raises(NothingToRun, match="headrace eval build"):
        replay(product)
