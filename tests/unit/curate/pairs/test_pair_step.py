import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate import pair as step
from headrace.curate.pair import pair
from headrace.curate.step import StepResult
from tests.unit.curate.pairs.conftest import NOW, Shelf, say, talk


def night(shelf: Shelf, number: int = 0) -> StepResult:
    return pair(shelf.lake, shelf.project, now=NOW + timedelta(days=number))


@pytest.fixture
def couple(shelf: Shelf) -> Shelf:
    """A success and a failure of one request."""
    with shelf.together():
        shelf.episode("g", talk("Yes, done"))
        shelf.episode("b", talk("No, sorry"), "failure")
    return shelf


def test_a_night_makes_a_pair_and_tells_of_everyone(couple: Shelf) -> None:
    with couple.together():
        couple.episode("u", talk("Well, maybe"), "unmarked")
        couple.episode("alone", talk("Yes, done"), request=2)
        couple.episode("silent", talk("Yes, done"), request=None)
    found = night(couple)
    [made] = couple.pairs
    assert (made.chosen, made.rejected, made.turn, made.request) == ("g", "b", 4, "1")
    assert couple.reasons == {
        "g": "across",
        "b": "across",
        "u": "unresolved",
        "alone": "no_opposite",
        "silent": "no_request",
    }
    assert (found.seen, found.kept) == (5, 2)
    assert found.dropped == {"no_opposite": 1, "no_request": 1, "unresolved": 1}
    assert found.notes["made"] == 1
    assert couple.events == [("made", "across")]


def test_a_second_night_does_and_writes_nothing(couple: Shelf) -> None:
    night(couple)
    before = couple.lake.rows("select * from decisions order by all"), couple.pairs
    found = night(couple, 1)
    assert found.notes["requests"] == found.notes["made"] == found.notes["retracted"] == 0
    assert (couple.lake.rows("select * from decisions order by all"), couple.pairs) == before
    assert couple.events == [("made", "across")]


def test_both_must_be_beyond_doubt(shelf: Shelf) -> None:
    cases = [(0.9, 0.1), (0.89, 0.05), (0.95, 0.11), (None, None)]
    with shelf.together():
        for request, (p, q) in enumerate(cases):
            shelf.episode(f"g{request}", talk("Yes, done"), p=p, request=request)
            shelf.episode(f"b{request}", talk("No, sorry"), "failure", p=q, request=request)
    night(shelf)
    assert {made.request for made in shelf.pairs} == {"0", "3"}
    assert (shelf.reasons["g1"], shelf.reasons["b2"]) == ("unresolved", "unresolved")


UNSEEN: list[dict[str, Any]] = [
    {"scrubbed": False},
    {"split": "eval"},
    {"contaminated": "contaminated:exact"},
    {"defects": ("failed_call",)},
    {"defects": ("unfinished: length",)},
    {"finish_reason": "length"},
    {"resolution": "pending"},
    {"resolution": "conflicting"},
    {"resolution": "unmarked"},
]


def test_what_training_may_not_see_or_nobody_resolved_is_in_no_pair(shelf: Shelf) -> None:
    with shelf.together():
        for request, fields in enumerate(UNSEEN):
            shelf.episode(f"g{request}", talk("Yes, done"), request=request)
            given = {"resolution": "failure", "request": request, **fields}
            shelf.episode(f"b{request}", talk("No, sorry"), **given)
        held = {"screen": "injection", "dedupe": "duplicate"}
        for request, (by, reason) in enumerate(held.items(), start=100):
            shelf.episode(f"g-{by}", talk("Yes, done"), request=request)
            shelf.episode(f"b-{by}", talk("No, sorry"), "failure", request=request)
            shelf.decide(f"b-{by}", by, reason)
    found = night(shelf)
    assert shelf.pairs == []
    assert Counter(shelf.reasons.values()) == {"no_opposite": 11, "unresolved": 3}
    assert found.notes["left_out"] == 8


def test_one_shape_of_request_is_not_one_prompt(shelf: Shelf) -> None:
    with shelf.together():
        shelf.episode("g", talk("Yes, done"), wording="paris to rome")
        shelf.episode("b", talk("No, sorry"), "failure", wording="rome to paris")
        shelf.episode("c", talk("No, sorry"), "failure", context=8, wording="paris to rome")
    night(shelf)
    assert shelf.pairs == []
    assert shelf.reasons == {"g": "slots_differ", "b": "slots_differ", "c": "other_context"}


def test_a_flipped_label_takes_back_its_pairs_and_no_other(couple: Shelf) -> None:
    couple.episode("g2", talk("Yes, done"), request=2)
    couple.episode("b2", talk("No, sorry"), "failure", request=2)
    night(couple)
    couple.resolve("b", "success")
    found = night(couple, 1)
    assert [made.chosen for made in couple.pairs] == ["g2"]
    assert couple.events[-1] == ("retracted", "flipped")
    assert couple.reasons["g"] == couple.reasons["b"] == "tie"
    assert found.notes["retracted"] == 1


def test_what_became_of_a_pair_is_told(shelf: Shelf) -> None:
    gone = "where project = $project and episode_id = "
    changes: dict[str, Callable[[], None]] = {
        "contaminated:ngram": lambda: shelf.decide("b0", "decontaminate", "contaminated:ngram"),
        "screened:injection": lambda: shelf.decide("b1", "screen", "injection"),
        "unresolved": lambda: shelf.resolve("g2", "conflicting"),
        "superseded": lambda: shelf.run(f"update episodes set superseded = true {gone} 'g3'"),
        "erased": lambda: shelf.run(f"delete from episodes {gone} 'b4'"),
    }
    with shelf.together():
        for request in range(len(changes)):
            shelf.episode(f"g{request}", talk("Yes, done"), request=request)
            shelf.episode(f"b{request}", talk("No, sorry"), "failure", request=request)
    night(shelf)
    assert len(shelf.pairs) == len(changes)
    for change in changes.values():
        change()
    night(shelf, 1)
    assert shelf.pairs == []
    assert {reason for event, reason in shelf.events if event == "retracted"} == set(changes)


def test_a_better_pair_takes_the_place_of_a_worse_one(shelf: Shelf) -> None:
    with shelf.together():
        for i in range(2):
            shelf.episode(f"g{i}", talk(f"Yes, done {i}"))
        shelf.episode("b", talk("No, sorry"), "failure", conversation_id="c")
    night(shelf)
    shelf.episode("g2", talk("Yes, done and paid"), conversation_id="c")
    night(shelf, 1)
    assert [(made.kind, made.chosen) for made in shelf.pairs].count(("retry", "g2")) == 1
    assert len(shelf.pairs) == 2
    assert ("retracted", "replaced") in shelf.events


def test_what_should_have_been_said_stands_against_what_was(shelf: Shelf) -> None:
    shelf.episode("b", talk("No, sorry"), "failure")
    shelf.correct("b", say("assistant", "You are paid"))
    night(shelf)
    [made] = shelf.pairs
    assert (made.kind, made.chosen, made.rejected, made.turn) == ("correction", "b", "b", 4)
    where = {"hash": made.correction}
    [row] = shelf.lake.rows("select body from scrubbed_messages where hash = $hash", where)
    assert "You are paid" in row["body"]
    assert shelf.reasons == {"b": "correction"}


def test_a_remark_on_a_success_and_the_word_of_a_model_are_no_correction(shelf: Shelf) -> None:
    shelf.episode("b", talk("No, sorry"), "failure")
    shelf.correct("b", say("assistant", "You are paid"), success=True)
    shelf.correct("b", say("assistant", "You get it"), source="judge")
    night(shelf)
    assert shelf.pairs == []


def test_pairs_of_another_project_are_left_alone(
    couple: Shelf, make_shelf: Callable[[str], Shelf]
) -> None:
    other = make_shelf("another")
    other.episode("g", talk("Yes, done"))
    night(couple)
    night(other)
    assert (len(couple.pairs), other.pairs) == (1, [])
    assert other.reasons == {"g": "no_opposite"}


def test_a_night_that_was_cut_short_goes_on_where_it_stopped(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shelf.together():
        for request in (1, 2, 3):
            shelf.episode(f"g{request}", talk("Yes, done"), request=request)
            shelf.episode(f"b{request}", talk("No, sorry"), "failure", request=request)
    monkeypatch.setattr(step, "CHUNK", 1)
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pair(shelf.lake, shelf.project, now=NOW, told=stop)
    assert seen == [(1, 3), (2, 3)]
    assert len(shelf.pairs) == 2
    found = night(shelf)
    assert (found.notes["requests"], len(shelf.pairs)) == (1, 3)
    assert Counter(shelf.reasons.values()) == {"across": 6}
    assert len(shelf.events) == 3


ENDS = st.tuples(
    st.sampled_from(["yes, I will", "no, I can not", "please wait"]),
    st.sampled_from(["success", "failure", "pending"]),
    st.sampled_from([1, 2]),
    st.sampled_from(["w", "v"]),
)


def test_an_episode_that_is_scrubbed_anew_is_compared_anew(couple: Shelf) -> None:
    night(couple)
    names = "project, episode_id, revision, version, messages, request, metadata, found"
    anew = f"insert into scrubbed by name select {names} from scrubbed where project = $project"
    couple.run(f"{anew} and episode_id = 'b'")
    assert night(couple, 1).notes["requests"] == 1
    assert len(couple.pairs) == 1


TURNED = {"success": "failure", "failure": "success", "pending": "success"}


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(ENDS, min_size=4, max_size=8), seed=st.integers(0, 999))
def test_nights_in_sequence_and_labels_that_turn_leave_what_one_night_leaves(
    make_shelf: Callable[[str], Shelf], told: list[Any], seed: int
) -> None:
    one, many = make_shelf(f"one {told} {seed}"), make_shelf(f"many {told} {seed}")
    named = list(enumerate(told))
    arrive(one, named)
    random.Random(seed).shuffle(named)
    late, (text, truth, *rest) = named[0]
    arrive(many, [(late, (text, TURNED[truth], *rest)), *named[1:4]])
    arrive(many, named[4:])
    before = {made.pair_id: made for made in many.pairs}
    many.resolve(f"e{late}", truth)
    night(many, 1)
    assert [made.pair_id for made in many.pairs] == [made.pair_id for made in one.pairs]
    assert many.reasons == one.reasons
    fallen = before.keys() - {made.pair_id for made in many.pairs}
    assert {before[name].request for name in fallen} <= {str(rest[0])}
    assert len([event for event, _ in many.events if event == "retracted"]) >= len(fallen)


def arrive(shelf: Shelf, named: list[tuple[int, Any]]) -> None:
    """Episodes come, then a night."""
    with shelf.together():
        for i, (text, resolution, request, wording) in named:
            shelf.episode(f"e{i}", talk(text), resolution, request=request, wording=wording)
    night(shelf)
