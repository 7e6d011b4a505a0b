import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.curate.draft import Draft
from headrace.exporters import table
from headrace.exporters.call import arguments, text
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import OBJECTIVES, SCHEMAS, Objective
from headrace.exporters.row import ENOUGH, Rate, Row, canonical
from headrace.lake.message import Body

Make = Callable[..., Conversation]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_arguments_as_object_and_back_are_the_same_bytes(value: dict[str, Any]) -> None:
    written = text(value)
    read = arguments({"function": {"arguments": written}})
    assert text(read) == written
    assert json.loads(written) == value


@pytest.mark.parametrize("given", ['{"n": 9223372036854775808}', '{"t": "Zürich 🚲", "x": null}'])
def test_big_numbers_unicode_and_real_nulls_survive(given: str) -> None:
    assert text(arguments({"function": {"arguments": given}})) == given


@pytest.mark.parametrize("given", ["[]", "1", "null", '"{}"', "{", "", '{"a": Infinity}'])
def test_what_is_no_object_gives_none(given: str) -> None:
    assert arguments({"function": {"arguments": given}}) is None


def test_text_that_cannot_be_written_as_utf8_gives_none() -> None:
    assert arguments({"function": {"arguments": '{"a": "\\ud800"}'}}) is None


def test_canonical_messages_have_text_and_no_empty_keys(
    said: Callable[..., Body], called: Callable[..., Body]
) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    made = canonical(
        [
            said("user", None),
            {"role": "user", "content": parts},
            called('{"b":1,"a":"\\u00fc"}'),
            said("assistant", "x", reasoning_content="hm", tool_calls=[], tool_call_id=None),
        ]
    )
    call = {"id": "c1", "type": "function"}
    assert made == (
        {"role": "user", "content": ""},
        {"role": "user", "content": "a\nb"},
        {
            "role": "assistant",
            "tool_calls": [
                {**call, "function": {"name": "refund", "arguments": '{"b": 1, "a": "ü"}'}}
            ],
        },
        {"role": "assistant", "content": "x", "reasoning_content": "hm"},
    )


def test_a_lesson_ends_with_its_last_trained_turn(
    episode: Make, talk: Callable[[], list[Body]], said: Callable[..., Body]
) -> None:
    longer = episode(messages=[*talk(), said("user", "thanks"), said("user", "bye")])
    assert Lesson.of(longer) == Lesson.of(episode())
    row = Row.sft(longer, Lesson.of(longer), "train")
    assert len(row.messages) == len(row.trainable) == 5


def test_an_unpaired_row_is_the_last_trained_turn_after_all_before(episode: Make) -> None:
    plain = episode(resolution="failure", trainable=(False, False, True, False, False))
    row = Row.kto(plain, Lesson.of(plain), "train")
    assert [message["role"] for message in row.prompt] == ["system", "user"]
    assert "tool_calls" in row.completion[0]
    assert row.label is False


def asked(said: list[Body]) -> Draft:
    """The question whose answer is the call of a refund."""
    wanted = [call["function"] for call in said[2]["tool_calls"]]
    return Draft(messages=tuple(said[:2]), target=wanted, scorer="tool_calls")


MEASURED = Rate(passed=1, samples=4, models=("big", "small"))


def test_a_row_to_answer_anew_ends_where_the_answer_began(
    episode: Make, talk: Callable[[], list[Body]]
) -> None:
    row = Row.rl(episode(), asked(talk()), "train", MEASURED)
    assert [message["role"] for message in row.prompt] == ["system", "user"]
    assert row.completion == row.chosen == row.messages == ()
    assert json.loads(row.reference or "") == [
        {"name": "refund", "arguments": '{"order_id": "A1"}'}
    ]
    assert (row.scorer, row.pass_rate, row.samples) == ("tool_calls", 0.25, 4)
    assert row.policy == "big, small"


def test_what_is_right_as_text_is_the_text(episode: Make, talk: Callable[[], list[Body]]) -> None:
    question = Draft(messages=tuple(talk()[:4]), target='Done: "ü"', scorer="match")
    row = Row.rl(episode(), question, "train", Rate())
    assert row.reference == 'Done: "ü"'
    assert (row.pass_rate, row.samples, row.policy) == (None, 0, None)


def test_a_task_is_its_prompt_and_tools_whatever_is_right(
    episode: Make, talk: Callable[[], list[Body]]
) -> None:
    question = asked(talk())
    other = Draft(messages=question.messages, target="No", scorer="match")
    shorter = Draft(messages=question.messages[1:], target="No", scorer="match")
    made = [Row.rl(episode(), one, "train", Rate()) for one in (question, other, shorter)]
    bare = Row.rl(episode(tools=None), other, "train", Rate())
    assert made[0].task_id == made[1].task_id
    assert len({made[0].task_id, made[2].task_id, bare.task_id}) == 3


@pytest.mark.parametrize(
    ("passed", "samples", "is_edge"),
    [
        (0, ENOUGH, True),
        (ENOUGH, ENOUGH, True),
        (1, ENOUGH, False),
        (ENOUGH - 1, ENOUGH, False),
        (ENOUGH - 1, ENOUGH - 1, False),
        (0, 0, False),
    ],
)
def test_only_enough_outcomes_that_were_alike_are_an_edge(
    passed: int, samples: int, is_edge: bool
) -> None:
    assert Rate(passed=passed, samples=samples).is_edge is is_edge


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_come_back_from_parquet_with_the_same_hash(
    episode: Make,
    talk: Callable[[], list[Body]],
    said: Callable[..., Body],
    tmp_path: Path,
    objective: Objective,
) -> None:
    other = episode("e2", messages=[*talk()[:4], said("assistant", "No")], tools=None)
    made = {
        "sft": lambda: [Row.sft(e, Lesson.of(e), "train") for e in (episode(), other)],
        "kto": lambda: [Row.kto(e, Lesson.of(e), "train") for e in (episode(), other)],
        "dpo": lambda: [Row.pair(episode(), other, 4, "train")],
        "rm": lambda: [Row.pair(episode(), other, 4, "train", "rm", 0.25)],
        "rl": lambda: [Row.rl(episode(), asked(talk()), "train", r) for r in (Rate(), MEASURED)],
    }[objective]()
    file, again = tmp_path / "rows.parquet", tmp_path / "again.parquet"
    table.write(made, objective, file)
    table.write(made, objective, again)
    assert file.read_bytes() == again.read_bytes()
    read = list(table.read(file, objective, "train"))
    assert [row.hash for row in read] == [row.hash for row in made]
    assert list(read[0].columns) == SCHEMAS[objective].names


def test_the_hash_sees_every_column(episode: Make) -> None:
    row = Row.sft(episode(), Lesson.of(episode()), "train")
    other = Row.sft(episode("e2"), Lesson.of(episode()), "train")
    assert row.row_id == other.row_id
    assert row.hash != other.hash
