"""One episode becomes a case whatever its split, and curation keeps it out of training then."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headrace.curate.decontaminate import decontaminate, leaks
from headrace.evals.case import build, cases, retire
from headrace.evals.errors import NotPromoted
from headrace.evals.production import production
from headrace.evals.promotion import Promoted, promote
from headrace.lake.record import Member

LATER = timedelta(days=1)


@pytest.fixture
def promoting(product: Any) -> Callable[..., Promoted]:
    def run(name: str, **options: Any) -> Promoted:
        about = {"now": product.now + LATER, **options}
        return promote(product.lake, product.project, name, **about)

    return run


def standing(product: Any) -> list[Any]:
    found = cases(product.lake, product.project, "production")
    return [case for case in found if case.retired_at is None]


def ship(product: Any, *episodes: str, split: Any = "train", version: str = "1") -> None:
    row = Member(
        project=product.project,
        name="refunds",
        version=version,
        row_id="r",
        split=split,
        episode_ids=episodes,
    )
    product.lake.write(lambda tx: tx.append("members", [row]))


@pytest.mark.parametrize("name", ["e1", "trace-e1"])
@pytest.mark.parametrize("split", ["train", "test", "eval"])
def test_an_episode_of_any_split_becomes_a_case(
    product: Any, promoting: Any, name: str, split: Any
) -> None:
    product.episode("e1", split=split, metadata={"slice": "geo"})
    made = promoting(name)
    [case] = standing(product)
    assert (made.case_id, made.episode_id, made.scorer) == (case.case_id, "e1", "match")
    assert (case.origin_episode_id, case.request, case.cluster) == ("e1", "r1", "group-r1")
    assert (json.loads(case.origin), case.slice) == ({"from": "promoted"}, "geo")
    assert (made.reinstated, made.exported) == (False, ())


def test_it_is_this_episode_and_not_a_better_one_of_its_request(
    product: Any, promoting: Any
) -> None:
    product.episode("e1", resolution="failure")
    product.episode("e2")
    assert promoting("e1").scorer == "outcome"
    [case] = standing(product)
    assert (case.origin_episode_id, case.target) == ("e1", None)


def test_an_outcome_is_not_waited_for(product: Any, promoting: Any) -> None:
    product.episode("e1", resolution="pending")
    assert promoting("e1").scorer == "outcome"


def test_a_correction_is_its_target(product: Any, promoting: Any) -> None:
    product.episode("e1", resolution="failure")
    product.correct("trace", "trace-e1", "Lyon")
    promoting("e1")
    assert json.loads(standing(product)[0].target) == "Lyon"


def test_the_promoted_and_what_resembles_it_leave_training(product: Any, promoting: Any) -> None:
    words = "please find the small blue parcel that was sent to lyon on monday"
    ask = {"role": "user", "content": words}
    near = {"role": "user", "content": f"hello, {words} and tell me"}
    reply = {"role": "assistant", "content": "Found."}
    product.episode("e1", split="train", messages=[ask, reply])
    product.episode("mate", split="train", messages=[{**ask, "content": "And the bill?"}, reply])
    product.episode("near", request="r2", split="train", messages=[near, reply])
    product.episode("other", request="r3", split="train")
    every = {"e1", "mate", "near", "other"}
    assert leaks(product.lake, product.project, every) == []
    made = promoting("e1")
    found = leaks(product.lake, product.project, every)
    assert {leak.episode_id: leak.rule for leak in found} == {
        "e1": "exact",
        "mate": "group",
        "near": "ngram",
    }
    assert {leak.case_id for leak in found} == {made.case_id}
    decontaminate(product.lake, product.project, now=product.now)
    rows = [row for row in product.table("decisions") if row["step"] == "decontaminate"]
    assert {row["episode_id"] for row in rows if row["kept"]} == {"other"}


def test_production_answers_a_promoted_case(product: Any, promoting: Any) -> None:
    product.episode("e1", split="train", release="v1", resolution="failure")
    product.episode("e2", split="train", release="v2")
    promoting("e1")
    ran = production(product.lake, product.project, now=product.now)
    assert [(one.release, one.mean) for one in ran] == [("v1", 0.0), ("v2", 1.0)]


@pytest.mark.parametrize("how", ["promoted", "built", "another of its request"])
def test_a_request_has_one_case(product: Any, promoting: Any, how: str) -> None:
    product.episode("e1")
    product.episode("e2")
    if how == "built":
        build(product.lake, product.project, now=product.now)
    else:
        promoting("e1")
    [case] = standing(product)
    name = "e2" if how == "another of its request" else "e1"
    with pytest.raises(NotPromoted, match=f"'{name}' is already a case .*{case.case_id}.*retire"):
        promoting(name)
    assert len(standing(product)) == 1


def test_a_promoted_request_is_not_grown_again(product: Any, promoting: Any) -> None:
    product.episode("e1", resolution="failure")
    promoting("e1")
    product.episode("e2")
    built = build(product.lake, product.project, now=product.now + 2 * LATER)
    assert (built.added, built.kept) == (0, 1)


def test_a_retired_case_is_promoted_again(product: Any, promoting: Any) -> None:
    product.episode("e1")
    made = promoting("e1")
    retire(product.lake, product.project, [made.case_id], now=product.now + LATER)
    again = promoting("e1", now=product.now + 2 * LATER)
    assert (again.case_id, again.reinstated) == (made.case_id, True)
    assert [case.added_at for case in standing(product)] == [product.now + LATER]


def test_what_a_data_set_trained_on_is_refused_by_name(product: Any, promoting: Any) -> None:
    product.episode("e1", split="train")
    product.episode("mate", split="train")
    ship(product, "mate", version="1")
    ship(product, "mate", version="2")
    with pytest.raises(NotPromoted, match=r"rows of 'refunds' \(2 versions\).*--even-if-exported"):
        promoting("e1")
    assert standing(product) == []
    made = promoting("e1", even_if_exported=True)
    assert [(one.episode_id, one.versions) for one in made.exported] == [("mate", 2)]
    assert len(standing(product)) == 1


def test_an_exported_id_that_was_superseded_still_counts(product: Any, promoting: Any) -> None:
    product.episode("old", split="train")
    ship(product, "old")
    gone = {"project": product.project}
    erase = "delete from episodes where project = $project and episode_id = 'old'"
    product.lake.write(lambda tx: tx.run(erase, gone))
    product.episode("new", split="train")
    with pytest.raises(NotPromoted, match="'refunds'"):
        promoting("new")


def test_rows_held_back_as_test_were_not_trained_on(product: Any, promoting: Any) -> None:
    product.episode("e1", split="test")
    ship(product, "e1", split="test")
    assert promoting("e1").exported == ()


def test_other_episodes_that_were_exported_do_not_matter(product: Any, promoting: Any) -> None:
    product.episode("e1", split="train")
    product.episode("e2", request="r2", split="train")
    ship(product, "e2")
    assert promoting("e1").exported == ()


def test_what_cannot_be_a_case_is_told_with_the_cure(product: Any, promoting: Any) -> None:
    product.episode("e1", trainable=[False, False])
    product.episode("below", request="r2", parent="e1")
    product.episode("raw", request="r3")
    gone = {"project": product.project}
    erase = "delete from clusters where project = $project and episode_id = 'raw'"
    product.lake.write(lambda tx: tx.run(erase, gone))
    for name, said in (
        ("nobody", f"'{product.project}' has no episode or trace 'nobody'"),
        ("e1", "'e1' has no turn of the product's own"),
        ("below", "sub-agent.*'e1'"),
        ("raw", "'raw' is not curated yet.*headrace nightly"),
    ):
        with pytest.raises(NotPromoted, match=said):
            promoting(name)
    assert standing(product) == []


def test_an_episode_of_another_project_is_found_there(product: Any, promoting: Any) -> None:
    other = type(product)(product.lake, f"{product.project}-b")
    other.episode("elsewhere")
    with pytest.raises(NotPromoted, match=f"but of '{other.project}': say --project"):
        promoting("elsewhere")


def test_a_trace_with_several_episodes_asks_which(product: Any, promoting: Any) -> None:
    product.episode("e1")
    product.episode("e2", request="r2")
    same = "update episodes set trace_ids = ['t'] where project = $project"
    product.lake.write(lambda tx: tx.run(same, {"project": product.project}))
    with pytest.raises(NotPromoted, match="'t' holds 2 episodes: name one of e1, e2"):
        promoting("t")
