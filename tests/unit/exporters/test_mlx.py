from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import USER, YES, ask, row, rows, told


def inverse(messages: list[Body]) -> list[Body]:
    """Canonical messages again: arguments as text, no empty text beside calls."""
    for message in messages:
        if "tool_calls" in message and not message["content"]:
            del message["content"]
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = text(call["function"]["arguments"])
    return messages


@settings(max_examples=60, deadline=None)
@given(made=rows("sft"))
def test_each_trained_turn_is_the_end_of_all_that_was_said_before_it(made: Row) -> None:
    records, codes = told("mlx", made)
    ends = [at + 1 for at, mark in enumerate(made.trainable) if mark]
    assert [inverse(record["messages"]) for record in records] == [
        [*made.messages[:end]] for end in ends
    ]
    assert all(text(record["tools"]) == made.tools for record in records if made.tools)
    assert ["tools" in record for record in records] == [bool(made.tools)] * len(records)
    assert ("mask_unrolled" in codes) == (text(made.messages).count('"role": "assistant"') > 1)


def test_a_conversation_of_one_turn_loses_nothing() -> None:
    assert told("mlx", row("sft", [USER]))[1] == []
    assert told("mlx", row("sft", [USER], ask("c")))[1] == ["content_filled"]
    assert told("mlx", row("sft", [USER], {**YES, "reasoning_content": "x"}))[1] == [
        "reasoning_dropped"
    ]


@pytest.mark.parametrize("train", [1, 2, 3, 5, 7, 12])
@pytest.mark.parametrize("test", [0, 1, 3, 9])
def test_no_row_is_left_over_and_the_other_side_fills_a_step(
    adapted: Any, train: int, test: int
) -> None:
    rows = [
        msgspec.structs.replace(row("sft", [USER]), row_id=f"{split}{at}", split=split)
        for split, count in (("train", train), ("test", test))
        for at in range(count)
    ]
    files = adapted("mlx", rows, "sft").files
    command = files["HOWTO.md"].split("```bash\n")[1].split("```")[0].replace("\\\n", " ").split()
    options = dict(zip(command, command[1:], strict=False))
    batch, steps = int(options["--batch-size"]), int(options["--iters"])
    assert train % batch == 0 and steps * batch == 2 * train
    assert batch <= (test or train)
    assert "--mask-prompt" in command
    assert {*files} - {"HOWTO.md"} == {"train.jsonl", *(["valid.jsonl"] if test else [])}


@given(marks=st.lists(st.booleans(), min_size=5, max_size=5).filter(any))
def test_what_must_not_train_is_never_last(marks: list[bool]) -> None:
    [talk] = [one for one in corpus("sft") if "Hello, how" in text(one.messages)]
    chat = tuple(talk.messages * 5)
    trainable = tuple(mark for on in marks for mark in (False, on))
    records, _ = told("mlx", msgspec.structs.replace(talk, messages=chat, trainable=trainable))
    assert [len(record["messages"]) for record in records] == [
        2 * at + 2 for at, on in enumerate(marks) if on
    ]
