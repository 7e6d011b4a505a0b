from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.curate.draft import Draft
from headrace.exporters import table
from headrace.exporters.call import text
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import OBJECTIVES, SCHEMAS, Objective
from headrace.exporters.row import Rate, Row
from headrace.lake.message import Body

Make = Callable[..., Conversation]

WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2)
)
CALLS = st.builds(
    lambda name, arguments, id: {
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": text(arguments)},
    },
    WORDS,
    st.dictionaries(WORDS, VALUES, max_size=3),
    st.none() | WORDS,
)
TURNS = st.builds(
    lambda content, reasoning, made: {
        "role": "assistant",
        "content": content,
        "reasoning_content": reasoning,
        "tool_calls": made,
    },
    st.none() | WORDS,
    st.none() | WORDS,
    st.lists(CALLS, max_size=2),
)
ASKED = st.builds(
    lambda content, name: {"role": "user", "content": content, "name": name},
    WORDS,
    st.none() | WORDS,
)
SEEN = st.builds(
    lambda content, id: {"role": "tool", "content": content, "tool_call_id": id},
    st.none() | WORDS,
    st.none() | WORDS,
)
TALKS = st.lists(ASKED | TURNS | SEEN, max_size=4)
BOUNDED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def row(objective: Objective, one: Conversation, other: Conversation) -> Row:
    if objective in ("dpo", "rm"):
        margin = 0.5 if objective == "rm" else None
        return Row.pair(one, other, len(one.messages) - 1, "train", objective, margin)
    if objective == "rl":
        question = Draft(messages=one.messages[:-1], target="Done", scorer="match")
        return Row.rl(one, question, "train", Rate(passed=1, samples=3, models=("m",)))
    make = Row.sft if objective == "sft" else Row.kto
    return make(one, Lesson.of(one), "train")


@BOUNDED
@given(
    talks=st.lists(st.tuples(TALKS, TURNS, TURNS), max_size=4),
    objective=st.sampled_from(OBJECTIVES),
    tools=st.none() | st.lists(st.dictionaries(WORDS, VALUES, max_size=2), max_size=2),
)
def test_rows_of_any_shape_come_back_from_parquet_as_they_were(
    tmp_path: Path,
    episode: Make,
    talks: list[tuple[list[Body], Body, Body]],
    objective: Objective,
    tools: list[Body] | None,
) -> None:
    given = None if tools is None else tuple(tools)
    made = [
        row(
            objective,
            episode(f"e{i}", messages=[*talk, good], tools=given),
            episode(f"f{i}", messages=[*talk, bad], tools=given),
        )
        for i, (talk, good, bad) in enumerate(talks)
    ]
    file = tmp_path / "rows.parquet"
    table.write(made, objective, file)
    read = list(table.read(file, objective, "train"))
    assert read == made
    assert [one.hash for one in read] == [one.hash for one in made]
    again = tmp_path / "again.parquet"
    table.write(read, objective, again)
    assert again.read_bytes() == file.read_bytes()


def test_one_argument_of_two_types_stays_two_types(
    tmp_path: Path, episode: Make, called: Callable[..., Body], said: Callable[..., Body]
) -> None:
    both = [
        episode(f"e{i}", messages=[said("user", "hi"), called(arguments)])
        for i, arguments in enumerate(['{"n": 1}', '{"n": "1", "more": null}'])
    ]
    file = tmp_path / "rows.parquet"
    table.write([Row.sft(e, Lesson.of(e), "train") for e in both], "sft", file)
    read = list(table.read(file, "sft", "train"))
    found = [one.messages[-1]["tool_calls"][0]["function"]["arguments"] for one in read]
    assert found == ['{"n": 1}', '{"n": "1", "more": null}']


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_file_has_the_written_schema_whatever_its_rows_lack(
    tmp_path: Path, episode: Make, said: Callable[..., Body], objective: Objective
) -> None:
    chat = episode(messages=[said("user", "hi"), said("assistant", "yo")], tools=None)
    file = tmp_path / "rows.parquet"
    for rows in ([], [row(objective, chat, chat)]):
        table.write(rows, objective, file)
        assert pq.read_schema(file).equals(SCHEMAS[objective])


@pytest.mark.parametrize(
    ("columns", "error"),
    [({"row_id": ["a"], "stranger": [1]}, TypeError), ({"stranger": ["x"]}, TypeError)],
)
def test_a_file_with_other_columns_holds_no_rows(
    tmp_path: Path, columns: dict[str, Any], error: type[Exception]
) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), file)
    with pytest.raises(error):
        list(table.read(file, "sft", "train"))


def test_the_names_of_files_are_such_that_the_card_s_pattern_finds() -> None:
    assert table.paths("test", 0) == []
    assert table.paths("train", 1) == ["data/train-00000-of-00001.parquet"]
    names = table.paths("train", table.SHARD + 1)
    assert names == ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]
    assert all(Path(name).match("data/train-*.parquet") for name in names)


@BOUNDED
@given(
    talks=st.lists(TALKS, max_size=4),
    objective=st.sampled_from(OBJECTIVES),
)
def test_columns_are_what_arrow_makes_of_the_same_rows(
    episode: Make, talks: list[list[Body]], objective: Objective, tmp_path: Path
) -> None:
    made = [
        row(objective, talk, talk)
        for i, said in enumerate(talks)
        for talk in [episode(f"e{i}", messages=[*said, {"role": "assistant", "content": "x"}])]
    ]
    file = tmp_path / "rows.parquet"
    table.write(made, objective, file)
    plain = pa.Table.from_pylist([one.columns for one in made], schema=SCHEMAS[objective])
    assert pq.read_table(file).equals(plain)
