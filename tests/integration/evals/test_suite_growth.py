"""A suite grows within a size, spread over intents, and never changes what stands."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from headrace.evals.case import build, cases, retire
from headrace.evals.coverage import coverage
from headrace.evals.errors import EvalError, UnknownCase
from headrace.evals.production import production
from headrace.lake.record import Cluster

LATER = timedelta(days=1)


def ask(product: Any, intent: str | None, count: int, *, start: int = 0, **more: Any) -> None:
    for i in range(start, start + count):
        name = f"{intent or 'plain'}-{i}"
        about = {"metadata": {} if intent is None else {"intent": intent}, **more}
        product.episode(name, request=f"r-{name}", **about)


def grown(product: Any, **options: Any) -> Any:
    return build(product.lake, product.project, **{"now": product.now, **options})


def standing(product: Any) -> list[Any]:
    found = cases(product.lake, product.project, "production")
    return [case for case in found if case.retired_at is None]


def per_intent(product: Any) -> Counter[str]:
    return Counter(str(case.origin_episode_id).split("-")[0] for case in standing(product))


def test_a_size_is_filled_intent_by_intent_and_the_rest_is_told(product: Any) -> None:
    ask(product, "refund", 12)
    ask(product, "cancel", 3)
    built = grown(product, size=6)
    assert (built.added, built.beyond, built.kept) == (6, 9, 0)
    assert per_intent(product) == {"refund": 3, "cancel": 3}
    assert grown(product, size=6).added == 0
    more = grown(product, size=8, now=product.now + LATER)
    assert (more.added, more.kept, more.beyond) == (2, 6, 7)
    assert per_intent(product) == {"refund": 5, "cancel": 3}


def test_a_smaller_size_retires_nothing(product: Any) -> None:
    ask(product, "refund", 4)
    assert grown(product).added == 4
    built = grown(product, size=2)
    assert (built.added, built.kept, built.retired) == (0, 4, 0)


def test_failures_take_half_of_the_suite_where_there_are_enough(product: Any) -> None:
    ask(product, "refund", 10)
    ask(product, "refund", 10, start=10, resolution="failure")
    assert grown(product, size=8).failed == 4
    assert grown(product, size=12, failures=1.0).failed == 8


def test_a_request_that_failed_once_is_a_failure_with_a_known_answer(product: Any) -> None:
    product.episode("e1", resolution="failure")
    product.episode("e2")
    built = grown(product)
    assert (built.failed, built.by_scorer) == (1, {"match": 1})


def test_the_same_lake_and_seed_give_the_same_cases(product: Any) -> None:
    ask(product, "refund", 12)
    grown(product, size=4, seed=7)
    first = [case.case_id for case in standing(product)]
    product.delete("cases")
    grown(product, size=4, seed=7, now=product.now + LATER)
    assert [case.case_id for case in standing(product)] == first
    product.delete("cases")
    grown(product, size=4, seed=8)
    assert [case.case_id for case in standing(product)] != first


def test_a_reference_output_is_what_is_right(product: Any) -> None:
    product.episode("e1", resolution="failure", metadata={"reference": "Lyon"})
    grown(product)
    [case] = standing(product)
    assert (case.scorer, json.loads(case.target)) == ("match", "Lyon")


def test_a_correction_stands_before_a_reference_output(product: Any) -> None:
    product.episode("e1", resolution="failure", metadata={"reference": "Lyon"})
    product.correct("episode", "e1", "Nice")
    grown(product)
    assert [json.loads(case.target) for case in standing(product)] == ["Nice"]


def test_an_episode_without_a_trained_turn_waits_for_another(product: Any) -> None:
    product.episode("e1", trainable=[False, False])
    assert (grown(product).added, grown(product).waiting) == (0, 1)
    product.episode("e2")
    product.episode("e3", trainable=[False, False])
    assert grown(product).added == 1
    assert [case.origin_episode_id for case in standing(product)] == ["e2"]


def test_a_case_says_where_it_came_from_and_how_it_is_known(product: Any) -> None:
    product.episode("e1")
    grown(product)
    [case] = standing(product)
    assert json.loads(case.origin) == {"from": "production"}
    assert len(case.content_hash) == 32


def test_a_retired_case_is_not_grown_again_and_keeps_its_scores(product: Any) -> None:
    ask(product, "refund", 2)
    grown(product)
    production(product.lake, product.project, now=product.now)
    before = product.scores()
    gone, stays = (case.case_id for case in standing(product))
    done = retire(product.lake, product.project, [gone, gone], now=product.now + LATER)
    assert (done.retired, done.before, done.standing) == ((gone,), (), 1)
    product.episode("newer", request="r-refund-0", messages=None)
    built = grown(product, now=product.now + 2 * LATER)
    assert (built.added, built.kept, built.retired) == (0, 1, 0)
    assert [case.case_id for case in standing(product)] == [stays]
    assert product.scores() == before
    again = retire(product.lake, product.project, [gone, stays], now=product.now + 3 * LATER)
    assert (again.retired, again.before, again.standing) == ((stays,), (gone,), 0)


def test_one_unknown_id_retires_none(product: Any) -> None:
    ask(product, "refund", 1)
    grown(product)
    [case] = standing(product)
    with pytest.raises(UnknownCase, match=rf"no case 'x'; standing are: {case.case_id}"):
        retire(product.lake, product.project, [case.case_id, "x"], now=product.now)
    assert len(standing(product)) == 1


@pytest.mark.parametrize("options", [{"size": 0}, {"failures": 1.5}, {"failures": float("nan")}])
def test_a_size_or_share_that_cannot_be_is_refused(product: Any, options: Any) -> None:
    with pytest.raises(EvalError, match=next(iter(options))):
        grown(product, **options)


def covered(product: Any) -> Any:
    return coverage(product.lake, product.project)


def test_coverage_counts_live_intents_and_their_traffic(product: Any) -> None:
    ask(product, "refund", 6)
    ask(product, "cancel", 2, split="train")
    ask(product, "upgrade", 2)
    grown(product, size=9)
    found = covered(product)
    assert (found.intents, found.named, found.narrow, found.episodes) == (3, 3, 2, 10)
    assert (found.any.intents, found.any.of_intents) == (2, pytest.approx(2 / 3))
    assert found.any.of_traffic == 0.8
    assert (found.enough.intents, found.enough.of_traffic) == (1, 0.6)
    [gap] = found.uncovered
    assert (gap.intent, gap.episodes, gap.of_traffic) == ("cancel", 2, 0.2)
    assert gap.episode_id == "cancel-1"
    assert (found.cases, found.outside) == (8, 0)


def test_what_nobody_asked_in_thirty_days_is_neither_traffic_nor_a_gap(product: Any) -> None:
    ask(product, "old", 2)
    grown(product)
    product.hours += 24 * 31
    ask(product, "new", 1)
    found = covered(product)
    assert (found.intents, found.episodes, found.cases, found.outside) == (1, 1, 2, 2)
    assert found.any.of_traffic == 0.0
    assert [gap.intent for gap in found.uncovered] == ["new"]
    assert found.until - found.since == timedelta(days=30)


def test_nothing_clustered_is_no_coverage_and_not_none_of_it(product: Any) -> None:
    found = covered(product)
    assert (found.any.of_traffic, found.enough.of_intents, found.until) == (None, None, None)


def test_clusters_by_intent_stand_in_for_names(product: Any) -> None:
    ask(product, None, 4)
    rows = [
        Cluster(
            project=product.project,
            method="intent",
            cluster_id=f"in_{i % 2}",
            episode_id=f"plain-{i}",
            representative=False,
        )
        for i in range(4)
    ]
    assert covered(product).named == 0
    product.lake.write(lambda tx: tx.append("clusters", rows))
    found = covered(product)
    assert (found.intents, found.named) == (2, 2)
    assert {gap.intent for gap in found.uncovered} == {"in_0", "in_1"}
