import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.exporters.formats import mistral
from headrace.exporters.formats.dialect import Record, Shape
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body, digest

NINE = re.compile(r"[A-Za-z0-9]{9}")
SHAPE = Shape.of("refunds", "sft", RowFile.of([]))


def ask(*ids: str, **more: Any) -> Body:
    function = {"name": "find", "arguments": '{"n": 1.50}'}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", **more, "tool_calls": calls}


def talk(*turns: list[str]) -> Row:
    """A conversation whose turns have calls of these ids, answered in the reverse order."""
    said: list[Body] = [{"role": "user", "content": "Where?"}]
    for ids in turns:
        results = [{"role": "tool", "content": id, "tool_call_id": id} for id in reversed(ids)]
        said += [ask(*ids), *results]
    said.append({"role": "assistant", "content": "Here."})
    marks = tuple(message["role"] == "assistant" for message in said)
    return Row(
        objective="sft", split="train", episode_ids=("e",), messages=tuple(said), trainable=marks
    )


def told(row: Row) -> tuple[list[Record], set[str]]:
    codes: list[str] = []
    return list(mistral.records(row, SHAPE, codes.append)), set(codes)


def ids_of(messages: Any) -> list[str]:
    """Of calls and results, as they come."""
    found: list[str] = []
    for message in messages:
        found += [call["id"] for call in message.get("tool_calls", ())]
        found += [message["tool_call_id"]] if message["role"] == "tool" else []
    return found


def taken(id: str) -> str:
    """What an id is renamed to where nothing stands in the way."""
    return mistral.renamed([ask(id)])[id]


IDS = st.text(min_size=1, max_size=12) | st.from_regex(NINE, fullmatch=True)
TURNS = st.lists(st.lists(IDS, min_size=1, max_size=3, unique=True), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(turns=TURNS)
@example(turns=[["call_1", taken("call_1")]])
@example(turns=[[taken("call_1")], ["call_1"]])
@example(turns=[["call_1"], ["call_1"]])
def test_ids_become_nine_signs_that_say_the_same_as_before(turns: list[list[str]]) -> None:
    row = talk(*turns)
    [record], codes = told(row)
    before, after = ids_of(row.messages), ids_of(record["messages"])
    assert all(map(NINE.fullmatch, after))
    pairs = set(zip(before, after, strict=True))
    assert len(pairs) == len(set(before)) == len(set(after)), "one name each, and none for two"
    assert all(new == old for old, new in pairs if NINE.fullmatch(old))
    assert codes == ({"ids_rewritten"} if before != after else set())
    assert told(row)[0] == [record]


@settings(max_examples=40, deadline=None)
@given(turns=TURNS)
def test_everything_but_ids_comes_back_byte_for_byte(turns: list[list[str]]) -> None:
    row = talk(*turns)
    [record], _ = told(row)
    back = dict(zip(ids_of(record["messages"]), ids_of(row.messages), strict=True))
    messages = [
        {k: v for k, v in message.items() if k != "weight"} for message in record["messages"]
    ]
    for message in messages:
        if message["role"] == "tool":
            message["tool_call_id"] = back[message["tool_call_id"]]
        if "tool_calls" in message:
            message["tool_calls"] = [{**c, "id": back[c["id"]]} for c in message["tool_calls"]]
    assert messages == [*row.messages]
    assert [message.get("weight") == 1 for message in record["messages"]] == [*row.trainable]


def test_a_name_that_is_taken_gives_way_to_the_next() -> None:
    first, second = (digest(f"{turn} call_1")[:9] for turn in (0, 1))
    assert mistral.renamed([ask(first), ask("call_1")]) == {first: first, "call_1": second}


@pytest.mark.parametrize(("content", "codes"), [("I look.", {"text_dropped"}), ("", set())])
def test_text_beside_a_call_is_dropped_and_told(content: str, codes: set[str]) -> None:
    said = (
        {"role": "user", "content": "Where?"},
        ask("abcdef123", content=content),
        {"role": "tool", "content": "here", "tool_call_id": "abcdef123"},
        {"role": "assistant", "content": "Here."},
    )
    row = Row(
        objective="sft", split="train", episode_ids=("e",), messages=said,
        trainable=(False, True, False, True),
    )  # fmt: skip
    [record], lost = told(row)
    assert lost == codes
    assert record["messages"][1] == {**ask("abcdef123"), "weight": 1}
    assert record["messages"][3]["content"] == "Here."


def test_a_turn_whose_calls_share_an_id_cannot_be_told() -> None:
    assert told(talk(["call_1", "call_1"])) == ([], {"row_skipped:same_ids"})
