import ast
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters.formats.dialect import Shape, Written
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.page import kto_weight
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Write = Callable[..., Any]

TRAINERS = {"sft": "SFT", "kto": "KTO", "dpo": "DPO", "rm": "Reward"}


@pytest.fixture
def written(episode: Make, said: Callable[..., Body], adapted: Write) -> Write:
    """TRL's files for two chats whose answers have so many letters."""

    def write(objective: Objective, letters: int = 10, splits: str = "train", **more: Any) -> Any:
        rows: list[Row] = []
        for split in splits.split():
            good, bad = (
                episode(
                    name,
                    resolution=resolution,
                    messages=[said("user", f"hi {split}"), said("assistant", letter * letters)],
                    **more,
                )
                for name, resolution, letter in (("g", "success", "g"), ("b", "failure", "b"))
            )
            if objective in ("dpo", "rm"):
                rows.append(Row.pair(good, bad, 1, split, objective, 0.5))  # type: ignore[arg-type]
            else:
                make = Row.sft if objective == "sft" else Row.kto
                rows += [make(one, Lesson.of(one), split) for one in (good, bad)]  # type: ignore[arg-type]
        return adapted("trl", rows, objective)

    return write


def code(page: str) -> str:
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return str(block)


@pytest.mark.parametrize("objective", TRAINERS)
@pytest.mark.parametrize("splits", ["train", "train test"])
def test_the_lines_are_a_program_over_the_files_that_there_are(
    written: Write, objective: Objective, splits: str
) -> None:
    made = written(objective, splits=splits)
    lines = code(made.files["HOWTO.md"])
    names = {node.id for node in ast.walk(ast.parse(lines)) if isinstance(node, ast.Name)}
    assert {f"{TRAINERS[objective]}Config", f"{TRAINERS[objective]}Trainer"} <= names
    loaded = re.findall(r'data_files="(\w+\.jsonl)", features=features', lines)
    assert loaded == [f"{split}.jsonl" for split in splits.split()]
    assert set(loaded) == set(made.files) - {"HOWTO.md"}


@pytest.mark.parametrize(("objective", "side"), [("dpo", 1), ("rm", 2)])
def test_the_page_says_what_a_side_is(written: Write, objective: Objective, side: int) -> None:
    made = written(objective)
    [record] = map(json.loads, made.files["train.jsonl"].splitlines())
    assert [len(record[name]) for name in ("chosen", "rejected")] == [side, side]
    told = {1: "one assistant message", 2: "a whole dialogue"}[side]
    assert f"Each side is {told}" in made.files["HOWTO.md"]


@pytest.mark.parametrize("objective", TRAINERS)
@pytest.mark.parametrize("tools", [None, ()])
def test_every_column_of_the_file_is_declared(
    written: Write, objective: Objective, tools: object
) -> None:
    made = written(objective, tools=tools)
    declared = re.search(r"Features\((\{.*\})\)", code(made.files["HOWTO.md"]))
    assert declared is not None
    columns = set(re.findall(r'"(\w+)": ', declared[1]))
    assert all(set(json.loads(r)) == columns for r in made.files["train.jsonl"].splitlines())
    assert ('"label": Value("bool")' in declared[1]) == (objective == "kto")


@pytest.mark.parametrize("letters", [1, 4_000, 5_000, 60_000, 300_000])
def test_the_longest_row_fits_into_the_length_that_is_named(written: Write, letters: int) -> None:
    page = written("sft", letters).files["HOWTO.md"]
    room = int(re.findall(r"max_length=(\d+)", page)[0])
    [tokens] = re.findall(r"about (\d+) tokens", page)
    assert letters / 4 <= int(tokens) <= letters / 4 + 100
    assert room >= max(1024, int(tokens)) and room & (room - 1) == 0


@settings(max_examples=100, deadline=None)
@given(good=st.integers(1, 3000), bad=st.integers(1, 3000))
def test_the_weight_keeps_both_labels_in_balance(good: int, bad: int) -> None:
    shape = Shape(
        name="n", objective="kto", rows={"train": good + bad}, masked=False, tools=False,
        margin=False, desirable=good, undesirable=bad,
    )  # fmt: skip
    weight = kto_weight(
        Written(shape=shape, files={}, columns=(), longest=0, loss=LossReport(format="trl"))
    )
    assert weight > 0
    assert (weight == 1.0) >= (bad <= good <= bad * 4 / 3)
    if good <= 30 * bad:  # beyond, two digits are too few
        assert 0.99 <= weight * good / bad <= 4 / 3 + 0.01


def test_the_page_for_unpaired_rows_counts_the_labels_to_train_on_alone(written: Write) -> None:
    page = written("kto", splits="train test").files["HOWTO.md"]
    assert "1 desirable and 1 undesirable rows" in page
    assert "train: 2 rows, test: 2 rows." in page


TURN = st.tuples(st.sampled_from(["user", "assistant"]), st.booleans())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(talks=st.lists(st.lists(TURN, min_size=1, max_size=6), min_size=1, max_size=4))
def test_every_marked_turn_is_trained_once_and_no_other(
    adapted: Write, episode: Make, talks: list[list[tuple[str, bool]]]
) -> None:
    rows = []
    for i, talk in enumerate(talks):
        said = [{"role": role, "content": f"{i}.{n}"} for n, (role, _) in enumerate(talk)]
        one = episode(f"e{i}", messages=said, trainable=tuple(mark for _, mark in talk), tools=None)
        if Lesson.of(one).trains:
            rows.append(Row.sft(one, Lesson.of(one), "train"))
    if not rows:
        return
    made = adapted("trl", rows, "sft").files["train.jsonl"]
    records = [json.loads(line) for line in made.splitlines()]
    # TRL trains every assistant turn of `messages`, and the completion where there is a prompt.
    trained = [
        turn["content"]
        for record in records
        for turn in record.get("completion") or record["messages"]
        if turn["role"] == "assistant"
    ]
    wanted = [
        message["content"]
        for row in rows
        for message, mark in zip(row.messages, row.trainable, strict=True)
        if mark
    ]
    assert sorted(trained) == sorted(wanted)
    assert len({frozenset(record) for record in records}) == 1, "two shapes do not load"


@pytest.mark.parametrize("text", ["ü☃🚲", "a\nb\r\nc", "\u2028\u2029", '"\\', "\x00\x1f"])
def test_a_record_is_one_line_of_utf8_whatever_it_says(
    adapted: Write, episode: Make, said: Callable[..., Body], text: str
) -> None:
    one = episode(messages=[said("user", text), said("assistant", text)], tools=None)
    content = adapted("trl", [Row.sft(one, Lesson.of(one), "train")], "sft").files["train.jsonl"]
    assert content.count("\n") == 1 and content.endswith("\n")
    assert not content.encode().startswith(b"\xef\xbb\xbf")
    [turn, answer] = json.loads(content)["messages"]
    assert turn["content"] == answer["content"] == text
