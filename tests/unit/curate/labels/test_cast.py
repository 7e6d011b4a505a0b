from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headrace.curate.conversation import Conversation
from headrace.curate.labels.cast import Cast, Refused, asked, called
from headrace.curate.labels.rule import Rule, SqlRule, rule
from tests.unit.curate.conftest import said, user
from tests.unit.curate.labels.conftest import episode

KNOWN = ["a", "b"]
TWO = [episode("a", user("hi"), said("hello")), episode("b", user("hi"))]


@rule(name="answered", family="shape")
def answered(one: Conversation) -> bool | None:
    return bool(one.messages[-1]["role"] == "assistant")


def put(query: str) -> Cast:
    rule = SqlRule(name="refund", query=query, family="money")
    return asked(rule, lambda text: duckdb.connect().sql(text).to_arrow_table(), pa.array(KNOWN))


def values(found: Cast) -> list[tuple[str, int]]:
    return [(row["episode_id"], row["value"]) for row in found.votes.to_pylist()]


def heard(*rules: Rule) -> list[tuple[str, str, bool] | Refused]:
    return [
        said if isinstance(said, Refused) else (said[0].name, one.episode_id, said[1])
        for one in TWO
        for said in called(rules, one)
    ]


def test_a_rule_votes_on_every_episode() -> None:
    assert heard(answered) == [("answered", "a", True), ("answered", "b", False)]
    assert answered.family == "shape"


def test_a_decorated_function_can_still_be_called() -> None:
    assert answered(TWO[0]) is True


def test_a_rule_that_crashes_leaves_no_vote_and_a_reason() -> None:
    @rule(name="fragile")
    def fragile(one: Conversation) -> bool | None:
        return len(one.messages[1]["content"]) > 0

    reason = "IndexError: tuple index out of range"
    assert heard(fragile, answered) == [
        ("fragile", "a", True),
        ("answered", "a", True),
        Refused(rule="fragile", reason=reason, episodes=1),
        ("answered", "b", False),
    ]


@pytest.mark.parametrize("answer", [0, 1, "no", 0.0, []])
def test_what_is_neither_true_false_nor_none_is_no_vote(answer: Any) -> None:
    check: Callable[[Conversation], Any] = lambda one: answer  # noqa: E731
    [first, _] = heard(Rule(name="odd", check=check))
    assert isinstance(first, Refused) and "return True, False or None" in first.reason


def test_none_is_no_vote_and_no_refusal() -> None:
    assert heard(Rule(name="silent", check=lambda one: None)) == []


def test_a_query_votes_by_its_rows() -> None:
    found = put("select * from (values ('a', true), ('b', false)) as t(episode_id, vote)")
    assert (values(found), found.refused) == ([("a", 1), ("b", 0)], ())


def test_zero_and_one_are_votes_of_a_query_and_null_is_none() -> None:
    found = put("select * from (values ('a', 1), ('b', null)) as t(episode_id, vote)")
    assert (values(found), found.refused) == ([("a", 1)], ())


def test_a_query_that_can_tell_of_none_has_no_vote() -> None:
    found = put("select 'a' as episode_id, null as vote")
    assert (values(found), found.refused) == ([], ())


def test_rows_on_episodes_of_others_are_left_out() -> None:
    found = put("select 'elsewhere' as episode_id, true as vote")
    assert (values(found), found.refused) == ([], ())


def test_a_query_that_says_both_of_an_episode_leaves_no_vote() -> None:
    found = put(
        "select 'a' as episode_id, unnest([true, false]) as vote union all select 'b', true"
    )
    [refused] = found.refused
    assert values(found) == [("b", 1)]
    assert (refused.episodes, refused.reason) == (1, "said both: give one row an episode")


@pytest.mark.parametrize("value", ["2", "-1", "0.5", "'yes'", "1.0::double"])
def test_a_query_that_gives_another_number_leaves_no_vote(value: str) -> None:
    found = put(f"select 'a' as episode_id, {value} as vote")
    assert values(found) == []
    assert "vote true, false, 1, 0 or null" in found.refused[0].reason


def test_one_odd_number_among_good_ones_is_told_as_it_is() -> None:
    found = put("select 'a' as episode_id, unnest([1, -7]) as vote union all select 'b', 0")
    [refused] = found.refused
    assert values(found) == [("b", 0)]
    assert refused.reason.startswith("said -7")


def test_a_query_that_fails_leaves_no_vote_and_one_reason() -> None:
    found = put("select episode_id, vote from nowhere")
    [refused] = found.refused
    assert (values(found), refused.episodes) == ([], None)
    assert refused.reason.startswith("CatalogException")


def test_a_query_without_its_columns_is_told_so() -> None:
    assert put("select 'a' as id, true as vote").refused[0].reason == "gives no column episode_id"
