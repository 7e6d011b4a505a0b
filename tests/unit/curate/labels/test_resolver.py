from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.labels.resolver import Label, resolve, state
from headrace.curate.labels.vote import Vote
from tests.unit.curate.labels.conftest import DAY, OLD, T0, vote

EPISODES = [f"e{i}" for i in range(6)]
ENDED = dict.fromkeys(EPISODES, OLD)
VOTES = st.builds(
    Vote,
    episode_id=st.sampled_from([*EPISODES, "unknown"]),
    name=st.sampled_from(["a", "b", "c"]),
    source=st.sampled_from(["human", "user", "judge"]),
    at=st.integers(0, 3).map(lambda hours: T0 + timedelta(hours=hours)),
    value=st.sampled_from([0, 1, None]),
    family=st.sampled_from([None, "x", "y"]),
    author=st.sampled_from([None, "ann", "ben"]),
)


def one(votes: list[Vote], ended: datetime = OLD, **fields: Any) -> Label:
    found = resolve(votes, {"e": ended}, now=T0, waiting=DAY, **fields)
    return found.labels[0]


@given(st.lists(VOTES, max_size=40), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_votes_and_episodes_counts_for_nothing(votes: list[Vote], random: Any) -> None:
    shuffled, episodes = list(votes), list(EPISODES)
    random.shuffle(shuffled)
    random.shuffle(episodes)
    first = resolve(votes, ENDED, now=T0, waiting=DAY)
    again = resolve(shuffled, dict.fromkeys(episodes, OLD), now=T0, waiting=DAY)
    assert first == again


@given(st.lists(VOTES, max_size=40))
@settings(deadline=None)
def test_every_episode_has_one_label_and_no_vote_no_probability(votes: list[Vote]) -> None:
    found = resolve(votes, ENDED, now=T0, waiting=DAY)
    assert [label.episode_id for label in found.labels] == EPISODES
    for label in found.labels:
        heard = label.votes > 0 or label.audited
        assert (label.success is None) == (not heard)
        assert (label.state in ("unmarked", "conflicting")) or heard  # people may be divided
        assert label.state != "unmarked" or not heard
        assert label.success is None or 0 <= label.success <= 1


@pytest.mark.parametrize(
    ("success", "expected"),
    [(0.9, "success"), (0.899, "conflicting"), (0.101, "conflicting"), (0.1, "failure")],
)
def test_gates_include_their_bound(success: float, expected: str) -> None:
    assert state(success, open_still=False) == expected


def test_no_vote_is_unmarked_and_before_the_window_closes_pending() -> None:
    assert one([]).state == "unmarked"
    assert one([], ended=T0 - timedelta(hours=23)).state == "pending"


def test_votes_that_do_not_decide_are_pending_while_a_late_outcome_may_come() -> None:
    votes = [vote(1, name="a"), vote(0, name="b")]
    assert one(votes).state == "conflicting"
    assert one(votes, ended=T0 - timedelta(hours=1)).state == "pending"


def test_an_audit_decides_alone_and_the_other_votes_stay_out_of_it() -> None:
    said = [vote(0, name=name) for name in "abcd"]
    label = one([*said, vote(1, source="human", name="audit", author="ann")])
    assert (label.state, label.audited, label.votes) == ("success", True, 4)
    assert label.success == pytest.approx(0.95)


def test_divided_auditors_conflict_whatever_the_others_say() -> None:
    divided = [
        vote(value, source="human", name="audit", author=author)
        for value, author in [(0, "ann"), (1, "ben")]
    ]
    label = one([*divided, *(vote(1, name=name) for name in "abc")])
    assert (label.state, label.audited) == ("conflicting", False)


def test_votes_on_unknown_episodes_are_counted_and_change_nothing() -> None:
    known = [vote(1, name=name) for name in "abc"]
    strange = [vote(0, name="a", episode_id=str(i)) for i in range(50)]
    alone = resolve(known, {"e": OLD}, now=T0, waiting=DAY)
    found = resolve([*known, *strange], {"e": OLD}, now=T0, waiting=DAY)
    assert (found.unmatched, found.labels) == (50, alone.labels)


def test_without_any_vote_there_is_no_share_of_successes() -> None:
    found = resolve([], {"e": OLD}, now=T0, waiting=DAY)
    assert (found.base, found.witnesses) == (None, ())


def test_a_source_that_says_the_opposite_is_understood() -> None:
    generator = np.random.default_rng(5)
    truth = generator.random(3_000) < 0.6
    ended = {f"{i:04d}": OLD for i in range(len(truth))}
    rates = {"a": 0.9, "b": 0.85, "c": 0.9, "contrary": 0.1}
    votes = [
        vote(int(good == (generator.random() < right)), name=name, episode_id=episode)
        for episode, good in zip(ended, truth, strict=True)
        for name, right in rates.items()
    ]
    found = resolve(votes, ended, now=T0, waiting=DAY)
    hits = {witness.name: witness.hit for witness in found.witnesses}
    assert hits["user/contrary"] == pytest.approx(0.1, abs=0.03)
    assert hits["user/a"] == pytest.approx(0.9, abs=0.03)


def alone(ups: int, downs: int, *others: Vote) -> dict[str, Label]:
    """One judge, the only source of a project."""
    said = [1] * ups + [0] * downs
    ended = {f"{i:03d}": OLD for i in range(len(said))}
    votes = [
        vote(value, source="judge", name="polite", episode_id=name)
        for name, value in zip(ended, said, strict=True)
    ]
    found = resolve([*votes, *others], ended, now=T0, waiting=DAY)
    return {label.episode_id: label for label in found.labels}


def test_a_judge_that_nothing_can_be_held_against_does_not_become_infallible() -> None:
    """It stays at .8, as it began: of its yes .95 can be believed here, of its no a half."""
    found = alone(70, 30)
    assert found["000"].success == pytest.approx(0.95, abs=0.01)
    assert found["099"].success == pytest.approx(0.55, abs=0.04)
    assert found["099"].state == "conflicting"


def test_audits_show_how_good_a_lone_judge_is() -> None:
    audits = [
        vote(int(i < 70), source="human", name="audit", author="ann", episode_id=f"{i:03d}")
        for i in range(50, 90)
    ]
    found = alone(70, 30, *audits)
    yes, no = found["000"].success, found["099"].success
    assert yes is not None and no is not None
    assert yes > 0.95
    assert no < 0.2  # an auditor errs at .05, so that no judge looks better than .95
