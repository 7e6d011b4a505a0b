from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.registry import format_named
from headrace.exporters.formats.said import alternating, in_order
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.talk import USER, YES, ask, result, rows

SYSTEM = {"role": "system", "content": "Be kind."}


@given(order=st.permutations(["a", "b", "c", "?"]))
def test_results_go_by_their_calls_and_what_answers_none_goes_last(order: list[str]) -> None:
    talk = (USER, ask("a", "b", "c"), *map(result, order), YES)
    assert in_order(talk) == (USER, talk[1], *map(result, "abc?"), YES)


def contents(value: object) -> Iterator[str]:
    """Every text of a record that is a result, in order."""
    if isinstance(value, dict):
        if value.get("role") == "tool":
            yield value["content"]
        for item in value.values():
            yield from contents(item)
    elif isinstance(value, list):
        for item in value:
            yield from contents(item)


# Their trainers render messages with the template of the model, and most templates write no ids.
@pytest.mark.parametrize(
    "format",
    ["trl", "unsloth", "axolotl", "prime", "nemo", "mlx", "tinker", "fireworks", "together"],
)
def test_where_a_template_drops_ids_results_stand_in_the_order_of_their_calls(format: str) -> None:
    talk = (USER, ask("a", "b"), result("b", "second"), result("a", "first"), YES)
    marks = tuple(message["role"] == "assistant" for message in talk)
    row = Row(objective="sft", split="train", episode_ids=("e",), messages=talk, trainable=marks)
    shape = Shape.of("s", "sft", RowFile.of([row]))
    *_, record = format_named(format, "sft").dialect.records(row, shape, lambda code: None)
    assert [*contents(record)] == ["first", "second"]


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
