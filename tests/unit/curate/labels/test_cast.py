from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import pytest

from headrace.curate.conversation import Conversation
from headrace.curate.labels.cast import Cast, Refused, cast
from headrace.curate.labels.rule import Rule, SqlRule, rule
from tests.unit.curate.conftest import said, user
from tests.unit.curate.labels.conftest import T0, episode

TWO = [episode("a", user("hi"), said("hello")), episode("b", user("hi"))]


@rule(name="answered", family="shape")
def answered(one: Conversation) -> bool | None:
    return bool(one.messages[-1]["role"] == "assistant")


def ask(query: str) -> Sequence[Mapping[str, Any]]:
    found = duckdb.connect().execute(query)
    assert found.description is not None
    return [
        dict(zip([column[0] for column in found.description], row, strict=True))
        for row in found.fetchall()
    ]


def asked(query: str) -> Cast:
    return cast([SqlRule(name="refund", query=query, family="money")], TWO, at=T0, ask=ask)


def values(found: Cast) -> list[tuple[str, int | None]]:
    return [(vote.episode_id, vote.value) for vote in found.votes]


def test_a_rule_votes_on_every_episode() -> None:
    found = cast([answered], TWO, at=T0, ask=ask)
    assert values(found) == [("a", 1), ("b", 0)]
    first = found.votes[0]
    assert (first.source, first.name, first.family, first.at) == ("rule", "answered", "shape", T0)


def test_a_decorated_function_can_still_be_called() -> None:
    assert answered(TWO[0]) is True


def test_a_rule_that_crashes_leaves_no_vote_and_a_reason() -> None:
    @rule(name="fragile")
    def fragile(one: Conversation) -> bool | None:
        return len(one.messages[1]["content"]) > 0

    found = cast([fragile, answered], TWO, at=T0, ask=ask)
    reason = "IndexError: tuple index out of range"
    assert found.refused == (Refused(rule="fragile", episode_id="b", reason=reason),)
    assert values(found) == [("a", 1), ("a", 1), ("b", 0)]


@pytest.mark.parametrize("answer", [0, 1, "no", 0.0, []])
def test_what_is_neither_true_false_nor_none_is_no_vote(answer: Any) -> None:
    check: Callable[[Conversation], Any] = lambda one: answer  # noqa: E731
    found = cast([Rule(name="odd", check=check)], TWO[:1], at=T0, ask=ask)
    assert found.votes == ()
    assert "return True, False or None" in found.refused[0].reason


def test_none_is_no_vote_and_no_refusal() -> None:
    found = cast([Rule(name="silent", check=lambda one: None)], TWO, at=T0, ask=ask)
    assert found == Cast(votes=(), refused=())


def test_a_query_votes_by_its_rows() -> None:
    found = asked("select * from (values ('a', true), ('b', false)) as t(episode_id, vote)")
    assert values(found) == [("a", 1), ("b", 0)]
    assert {vote.family for vote in found.votes} == {"money"}


def test_zero_and_one_are_votes_of_a_query_and_null_is_none() -> None:
    found = asked("select * from (values ('a', 1), ('b', null)) as t(episode_id, vote)")
    assert (values(found), found.refused) == ([("a", 1)], ())


def test_rows_on_episodes_of_others_are_left_out() -> None:
    assert asked("select 'elsewhere' as episode_id, true as vote") == Cast(votes=(), refused=())


def test_a_query_that_says_both_of_an_episode_leaves_no_vote() -> None:
    found = asked("select 'a' as episode_id, unnest([true, false]) as vote")
    assert (found.votes, found.refused[0].episode_id) == ((), "a")


@pytest.mark.parametrize("value", ["2", "0.5", "'yes'", "1.0::double"])
def test_a_query_that_gives_another_number_leaves_no_vote(value: str) -> None:
    found = asked(f"select 'a' as episode_id, {value} as vote")
    assert found.votes == ()
    assert "vote true, false, 1, 0 or null" in found.refused[0].reason


def test_a_query_that_fails_leaves_no_vote_and_one_reason() -> None:
    found = asked("select episode_id, vote from nowhere")
    assert (found.votes, found.refused[0].episode_id) == ((), None)
    assert found.refused[0].reason.startswith("CatalogException")


def test_a_query_without_its_columns_is_told_so() -> None:
    assert asked("select 'a' as id, true as vote").refused[0].reason == "gives no column episode_id"
