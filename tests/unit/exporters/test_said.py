import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.formats.said import alternating, in_order
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.talk import USER, YES, ask, result, rows

SYSTEM = {"role": "system", "content": "Be kind."}


@given(order=st.permutations(["a", "b", "c", "?"]))
def test_results_go_by_their_calls_and_what_answers_none_goes_last(order: list[str]) -> None:
    talk = (USER, ask("a", "b", "c"), *map(result, order), YES)
    assert in_order(talk) == (USER, talk[1], *map(result, "abc?"), YES)


@given(made=rows("sft"))
def test_messages_in_order_stay_as_they_are(made: Row) -> None:
    assert in_order(made.messages) == made.messages
    assert alternating(made.messages)


@pytest.mark.parametrize(
    ("talk", "wanted"),
    [
        ([], True),
        ([SYSTEM], True),
        ([SYSTEM, USER, ask("a", "b"), result("a"), result("b"), YES], True),
        ([USER, USER], False),
        ([USER, YES, YES], False),
        ([USER, SYSTEM, YES], False),
        ([SYSTEM, YES], False),
        ([USER, ask("a"), result("a"), USER], False),
    ],
)
def test_who_asks_and_who_answers_take_turns(talk: list[Body], wanted: bool) -> None:
    assert alternating(talk) == wanted
