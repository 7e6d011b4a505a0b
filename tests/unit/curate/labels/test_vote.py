import pytest

from headrace.curate.errors import VoteError
from headrace.curate.labels.vote import Vote, pooled, standing
from tests.unit.curate.labels.conftest import vote


def values(votes: list[Vote]) -> list[int]:
    return [found.value for found in pooled(standing(votes))]


def judge(value: int, name: str, family: str | None = "gpt") -> Vote:
    return vote(value, source="judge", name=name, family=family)


def test_two_agreeing_judges_of_one_family_weigh_as_one() -> None:
    assert values([judge(1, "polite"), judge(1, "helpful")]) == [1]


def test_disagreeing_judges_of_one_family_leave_no_vote() -> None:
    assert values([judge(1, "polite"), judge(0, "helpful"), judge(1, "brief")]) == []


def test_judges_of_no_family_each_count() -> None:
    assert values([judge(1, "polite", None), judge(0, "helpful", None)]) == [0, 1]


def test_a_family_found_later_pools_the_votes_that_there_are() -> None:
    votes = [vote(1, source="judge", name="a"), vote(1, source="judge", name="b")]
    families = {"judge/a": "gpt", "judge/b": "gpt"}
    assert [found.witness for found in pooled(standing(votes, families))] == ["gpt"]


def test_people_who_press_the_same_thumb_are_two_voters_of_one_witness() -> None:
    found = pooled(standing([vote(1, author="ann"), vote(1, author="ben")]))
    assert [(one.witness, one.value) for one in found] == [("user/thumb", 1)] * 2


def test_the_later_vote_of_a_voter_stands_whichever_came_first() -> None:
    early, late = vote(1, at=0), vote(0, at=1)
    assert values([early, late]) == values([late, early]) == [0]


def test_a_vote_taken_back_is_no_vote() -> None:
    assert values([vote(1, at=0), vote(None, at=1)]) == []


def test_opposite_votes_of_one_moment_cancel_until_a_later_one() -> None:
    assert values([vote(1), vote(0)]) == []
    assert values([vote(1), vote(0), vote(1, at=1)]) == [1]


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_a_vote_is_yes_no_or_taken_back(value: int) -> None:
    with pytest.raises(VoteError, match="give 1 .* 0 .* or None"):
        vote(value)
