"""The queue over a real lake: what it takes, what it leaves, and what it says of each."""

from collections import Counter
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from headrace.curate.review.queue import SUSPICIOUS
from headrace.lake import Lake
from headrace.lake.record import Decision
from headrace.lake.store import Transaction
from tests.reviewed import NOW, T0, Desk


def plenty(desk: Desk, count: int = 40) -> None:
    for i in range(count):
        desk.add(f"e{i:03d}", p=i / count, resolution="success")


def test_a_queue_is_filled_and_stays_full(desk: Desk) -> None:
    plenty(desk)
    desk.write()
    first = desk.queue(8)
    assert (first.seen, first.kept, first.notes["new"], first.dropped) == (40, 8, 8, {})
    assert len(desk.items()) == 8
    again = desk.queue(8, days=1)
    assert (again.kept, again.notes["new"]) == (8, 0)
    assert len(desk.items()) == 8


def test_a_night_that_is_repeated_picks_the_same(lake: Lake, desk: Desk) -> None:
    """Ids of items and their chances are those of the project, so two desks of one name agree."""
    plenty(desk)
    desk.write()
    desk.queue(8)
    first = desk.rows("review_items")
    lake.write(
        lambda tx: tx.run("delete from review_items where project = $p", {"p": desk.project})
    )
    desk.queue(8)
    assert desk.rows("review_items") == first


def test_an_answered_item_makes_room_for_another(desk: Desk) -> None:
    plenty(desk)
    desk.write()
    desk.queue(8, twice=0)
    for item in desk.waiting("ada")[:3]:
        desk.say(item.item_id, "success")
    found = desk.queue(8, days=1)
    assert found.notes["new"] == 3
    assert Counter(item.state for item in desk.items().values()) == {"open": 8, "answered": 3}


def test_sub_agents_and_those_that_are_not_scrubbed_or_gone_are_left_out(desk: Desk) -> None:
    desk.add("root", p=0.5)
    desk.add("child", p=0.5, parent_episode_id="root")
    desk.add("raw", p=0.5, scrubbed=False)
    desk.add("gone", p=0.5, superseded=True)
    desk.add("grown", p=0.5)
    desk.add("grown", p=0.5, revision=2, scrubbed=False)
    desk.write()
    desk.queue()
    assert set(desk.items()) == {"root"}


def test_what_a_person_marked_is_not_asked_for(desk: Desk) -> None:
    desk.add("open", p=0.5)
    desk.add("resolved", p=0.95, resolution="success", resolved_by="human")
    desk.add("voted", p=0.5)
    desk.vote("voted", "human", 1, author="ada")
    desk.add("taken back", p=0.5)
    desk.vote("taken back", "human", 1, author="ada")
    desk.vote("taken back", "human", None, author="ada", hours=1)
    desk.write()
    desk.queue()
    assert set(desk.items()) == {"open", "taken back"}


def why(desk: Desk, stratum: str) -> dict[str, str]:
    return {name: item.why for name, item in desk.items().items() if item.stratum == stratum}


def test_a_judge_against_the_product_is_a_disagreement(desk: Desk) -> None:
    for i in range(90):
        desk.add(f"fine{i}", p=0.99, resolution="success")
    desk.add("product", p=0.6)
    desk.vote("product", "judge", 1, family="gpt")
    desk.vote("product", "product", 0)
    desk.add("user", p=0.6)
    desk.vote("user", "judge", 0)
    desk.vote("user", "user", 1)
    desk.add("divided judges", p=0.98)
    desk.vote("divided judges", "judge", 1, author="a")
    desk.vote("divided judges", "judge", 0, author="b")
    desk.vote("divided judges", "product", 0)
    desk.add("came round", p=0.98)
    desk.vote("came round", "judge", 1)
    desk.vote("came round", "judge", 0, hours=1)
    desk.vote("came round", "product", 0)
    desk.add("contrary", p=0.04, resolution="success")
    desk.write()
    desk.queue(15)
    assert why(desk, "disagreement") == {
        "product": "the judge says success, the product says failure",
        "user": "the judge says failure, the user says success",
        "contrary": "it counts as a success, yet by all votes p = .04",
    }


def test_a_medoid_stands_for_its_cluster_of_failures(lake: Lake, desk: Desk) -> None:
    failing = "find(id)->ok\nget_order(id)->err:404"
    vectors = {"f0": [1.0, 0.0], "f1": [0.8, 0.6], "f2": [0.0, 1.0]}
    for name in vectors:
        desk.add(name, p=0.0, resolution="failure", skeleton=failing)
    desk.add("alone", p=0.0, resolution="failure", skeleton="pay()->err:declined")
    desk.add("silent", p=0.0, resolution="failure", skeleton="pay()->ok")
    for i in range(30):
        desk.add(f"fine{i}", p=0.5, resolution="success")
    desk.write()
    hashes = {
        row["text"]: row["text_hash"] for row in desk.rows("text_units") if row["kind"] == "request"
    }
    given = [(hashes[name], "minilm", vector) for name, vector in vectors.items()]
    given += [(hashes["f0"], "another", [0.5, 0.5, 0.5])]
    insert = "insert into embeddings values ($hash, $model, $vector)"

    def embed(tx: Any) -> None:
        for name, model, vector in given:
            tx.run(insert, {"hash": name, "model": model, "vector": vector})

    lake.write(embed)
    desk.queue(20, seed=2)
    assert why(desk, "medoid") == {
        "f1": "typical of 3 failures: get_order err:404",
        "alone": "typical of one failure: pay err:declined",
    }


def test_without_vectors_the_latest_failure_stands_for_its_cluster(desk: Desk) -> None:
    for day in (3, 8, 5):
        desk.add(
            f"f{day}", p=0.0, resolution="failure", skeleton="pay()->err:declined",
            started_at=T0.replace(day=day),
        )  # fmt: skip
    for i in range(30):
        desk.add(f"fine{i}", p=0.5, resolution="success")
    desk.write()
    desk.queue(20, seed=1)
    assert set(why(desk, "medoid")) == {"f8"}


def test_a_suspicious_mark_goes_first_and_says_so(lake: Lake, desk: Desk) -> None:
    for i in range(30):
        desk.add(f"e{i}", p=0.4, resolution="unmarked")
    desk.add("odd", p=0.97, resolution="success")
    desk.write()
    row = {"p": desk.project, "at": T0, "name": SUSPICIOUS}
    insert = (
        'insert into labels (project, episode_id, name, value, "at") '
        "values ($p, 'odd', $name, 'failure', $at)"
    )
    lake.write(lambda tx: tx.run(insert, row))
    desk.queue(4, seed=1)
    reasons = why(desk, "uncertainty")
    assert reasons.pop("odd") == "its mark looks wrong: episodes like it went the other way"
    assert set(reasons.values()) == {"votes are split: p = .40"}


def test_what_a_screen_holds_back_is_asked_for(desk: Desk) -> None:
    for i in range(30):
        desk.add(f"e{i}", p=0.4)
    for name, reason in (("odd", "score_outlier"), ("busy", "heavy_user"), ("clear", "fine")):
        desk.add(name, p=0.97, resolution="success")
        held = Decision(
            project=desk.project, step="screen", version="1", episode_id=name, reason=reason,
            kept=reason == "fine", at=T0,
        )  # fmt: skip
        desk.keep("decisions", held)
    desk.write()
    desk.queue(6, seed=1)
    reasons = why(desk, "uncertainty")
    assert reasons.pop("odd") == "held back until a person has looked: score outlier"
    assert set(reasons.values()) == {"votes are split: p = .40"}


def test_of_near_duplicates_one_is_asked_for_and_no_other_later(desk: Desk) -> None:
    for i in range(30):
        desk.add(f"e{i}", p=0.5, near=f"c{i % 3}")
    desk.write()
    desk.queue(20)
    first = desk.items()
    assert {int(name[1:]) % 3 for name in first} == {0, 1, 2}
    assert len(first) == 3
    for item in desk.waiting("ada"):
        desk.say(item.item_id, "failure")
    desk.queue(20, days=1)
    assert {item.stratum for name, item in desk.items().items() if name not in first} <= {"random"}


def test_an_item_that_chance_hits_later_keeps_its_reason_and_gets_its_chance(desk: Desk) -> None:
    for i in range(4):
        desk.add(f"e{i}", p=0.5)
    desk.write()
    desk.queue(4)
    before = desk.items()
    active = {name for name, item in before.items() if item.stratum != "random"}
    desk.add("new", p=0.9)
    desk.write()
    found = desk.queue(40, days=1)  # its even sample takes all that there is
    assert found.notes["drawn_again"] == len(active) == 3
    after = desk.items()
    for name in active:
        assert after[name].stratum == before[name].stratum
        assert after[name].why == before[name].why
        assert after[name].selection_probability == 1.0
        assert after[name].drawn_at == NOW + timedelta(days=1)
    assert len(after) == 5


def state(desk: Desk, name: str) -> str:
    return desk.items()[name].state


def test_items_that_need_no_look_any_more_close_with_a_reason(desk: Desk) -> None:
    for name in ("stays", "gone", "marked", "skipped", "half"):
        desk.add(name, p=0.5)
    desk.write()
    desk.queue(5, twice=1)
    items = desk.items()
    desk.say(items["skipped"].item_id, "skip")
    desk.add("gone", p=0.5, revision=2, superseded=True)
    desk.vote("marked", "human", 0, author="eve", name="audit")
    desk.write()
    found = desk.queue(5, days=1)
    assert found.dropped == {"superseded": 1, "marked": 1, "skipped": 1}
    assert {name: state(desk, name) for name in items} == {
        "stays": "open", "half": "open", "gone": "superseded", "marked": "marked",
        "skipped": "skipped",
    }  # fmt: skip


def test_an_answer_here_is_no_mark_from_elsewhere(desk: Desk) -> None:
    desk.add("half", p=0.5)
    desk.write()
    desk.queue(4, twice=1, seed=2)
    [item] = desk.items().values()
    assert (item.stratum, item.asked) == ("random", 2)
    desk.say(item.item_id, "success")
    desk.vote("half", "human", 1, author="ada", name="review")
    desk.add("half2", p=0.5)
    desk.write()
    desk.lake.write(
        lambda tx: tx.run(
            "update resolutions set resolved_by = 'human' where project = $p",
            {"p": desk.project},
        )
    )
    desk.queue(4, days=1, twice=1)
    assert state(desk, "half") == "open"
    assert [one.item_id for one in desk.waiting("ben")] == [item.item_id]
    assert desk.waiting("ada") == []


def test_a_second_reviewer_who_never_comes_does_not_fill_the_queue(desk: Desk) -> None:
    plenty(desk, 12)
    desk.write()
    desk.queue(5)
    ask_two = "update review_items set asked = 2 where project = $p"
    desk.lake.write(lambda tx: tx.run(ask_two, {"p": desk.project}))
    for item in desk.waiting("ada"):
        desk.say(item.item_id, "success")
    found = desk.queue(2, days=1)
    assert found.dropped == {"answered": 3}
    assert sorted(item.answers for item in desk.waiting()) == [0, 0, 1, 1]


def test_an_episode_that_comes_back_is_asked_for_anew(desk: Desk) -> None:
    desk.add("e", p=0.5)
    desk.write()
    desk.queue(1)
    desk.add("e", p=0.5, revision=2, superseded=True)
    desk.write()
    desk.queue(1, days=1)
    assert state(desk, "e") == "superseded"
    desk.add("e", p=0.5, revision=3)
    desk.write()
    desk.queue(1, days=2)
    assert state(desk, "e") == "open"


def test_a_night_that_fails_half_way_leaves_the_queue_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty(desk, 12)
    desk.write()
    desk.queue(4)
    desk.say(desk.waiting("ada")[0].item_id, "skip")
    before = desk.rows("review_items")

    def full(*_: Any) -> int:
        raise duckdb.IOException("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "append", full)
        with pytest.raises(duckdb.IOException):
            desk.queue(6, days=1)
    assert desk.rows("review_items") == before
    assert desk.queue(6, days=1).dropped == {"skipped": 1}


def test_projects_do_not_meet(lake: Lake, desk: Desk) -> None:
    plenty(desk, 6)
    desk.write()
    other = Desk(lake, f"{desk.project} too")
    plenty(other, 6)
    other.write()
    desk.queue(6)
    assert other.rows("review_items") == []


@pytest.mark.parametrize("size", [0, 3])
def test_a_project_without_episodes_has_an_empty_queue(desk: Desk, size: int) -> None:
    found = desk.queue(size)
    assert (found.seen, found.kept, found.dropped) == (0, 0, {})


def test_whoever_watches_is_told_how_far_it_is(desk: Desk) -> None:
    plenty(desk, 3)
    desk.write()
    told: list[tuple[int, int]] = []
    desk.queue(2, told=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_time_of_a_pick_is_that_of_the_night(desk: Desk) -> None:
    plenty(desk, 3)
    desk.write()
    desk.queue(3)
    assert {item.picked_at for item in desk.items().values()} == {NOW}
