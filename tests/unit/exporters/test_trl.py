import json
from collections.abc import Callable
from typing import Any

import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats.loss import HARMLESS, LossReport
from headrace.exporters.formats.registry import FORMATS, Adapted, writer
from headrace.exporters.formats.trl_howto import kto_weight
from headrace.exporters.lesson import Lesson
from headrace.exporters.row import Row
from headrace.lake.message import Body

Make = Callable[..., Conversation]

PROMPT = (
    '[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "My money back"}, '
    '{"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "type": "function", '
    '"function": {"name": "refund", "arguments": {"order_id": "A1"}}}]}, '
    '{"role": "tool", "content": "ok", "tool_call_id": "c1"}'
)
DONE = '{"role": "assistant", "content": "Done"}'
NO = '{"role": "assistant", "content": "No"}'
TOOLS = (
    '"tools": [{"type": "function", "function": {"name": "refund", "description": '
    '"Give money back", "parameters": {"type": "object", "properties": {"order_id": '
    '{"type": "string"}}}}}]'
)


def rows_of(files: Adapted, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.files[f"{split}.jsonl"].splitlines()]


@pytest.fixture
def sft(episode: Make) -> Callable[..., Row]:
    def row(*, split: Any = "train", **fields: Any) -> Row:
        made = episode(**fields)
        return Row.sft(made, Lesson.of(made), split)

    return row


def test_golden_sft(sft: Callable[..., Row]) -> None:
    made = writer("trl")([sft()], "sft")
    assert made.files["train.jsonl"] == f'{{"messages": {PROMPT}, {DONE}], {TOOLS}}}\n'
    assert [(loss.code, loss.count) for loss in made.loss.losses] == [("content_filled", 1)]


def test_golden_kto(episode: Make) -> None:
    good = Row.kto(episode(), Lesson.of(episode()), "train")
    bad = Row.kto(episode(resolution="failure"), Lesson.of(episode()), "train")
    text = writer("trl")([good, bad], "kto").files["train.jsonl"]
    start = f'{{"prompt": {PROMPT}], "completion": [{DONE}], "label": '
    assert text == f"{start}true, {TOOLS}}}\n{start}false, {TOOLS}}}\n"


def test_golden_dpo(
    episode: Make, talk: Callable[[], list[Body]], said: Callable[..., Body]
) -> None:
    other = episode("f1", messages=[*talk()[:4], said("assistant", "No")])
    text = writer("trl")([Row.dpo(episode(), other, 4, "train")], "dpo").files["train.jsonl"]
    assert text == (f'{{"prompt": {PROMPT}], "chosen": [{DONE}], "rejected": [{NO}], {TOOLS}}}\n')


def test_turns_that_must_not_train_unroll_the_whole_set(sft: Callable[..., Row]) -> None:
    masked = sft(episode_id="e2", trainable=(False, False, False, False, True))
    made = writer("trl")([sft(), masked], "sft")
    rows = rows_of(made)
    assert [set(row) for row in rows] == [{"prompt", "completion", "tools"}] * 3
    trained = [row["completion"][0] for row in rows]
    assert [bool(turn.get("tool_calls")) for turn in trained] == [True, False, False]
    assert [len(row["prompt"]) for row in rows] == [2, 4, 4]
    [unrolled] = [loss for loss in made.loss.losses if loss.code == "mask_unrolled"]
    assert unrolled.count == 2
    assert "completion_only_loss=True" in made.files["HOWTO.md"]


def test_reasoning_is_dropped_and_counted(
    sft: Callable[..., Row], said: Callable[..., Body]
) -> None:
    chat = [said("user", "hi"), said("assistant", "hello", reasoning_content="greet")]
    row = sft(messages=chat, tools=None)
    made = writer("trl")([row], "sft")
    assert "greet" not in made.files["train.jsonl"]
    assert [(loss.code, loss.row_ids) for loss in made.loss.losses] == [
        ("reasoning_dropped", (row.row_id,))
    ]


def test_tools_are_a_column_of_every_row_or_of_none(
    sft: Callable[..., Row], said: Callable[..., Body]
) -> None:
    chat = sft(episode_id="e2", messages=[said("user", "hi"), said("assistant", "yo")], tools=None)
    assert "tools" not in rows_of(writer("trl")([chat], "sft"))[0]
    assert [row["tools"] is None for row in rows_of(writer("trl")([chat, sft()], "sft"))] == [
        True,
        False,
    ]


def test_a_split_without_rows_has_no_file(sft: Callable[..., Row]) -> None:
    assert set(writer("trl")([sft()], "sft").files) == {"train.jsonl", "HOWTO.md"}
    both = writer("trl")([sft(), sft(episode_id="e2", split="test")], "sft").files
    assert set(both) == {"train.jsonl", "test.jsonl", "HOWTO.md"}
    assert "eval_dataset=test" in both["HOWTO.md"]


@pytest.mark.parametrize(("good", "bad"), [(1, 1), (5, 3), (3, 5), (40, 31), (100, 1), (1, 100)])
def test_the_kto_weight_balances_the_labels(good: int, bad: int) -> None:
    assert 0.99 <= kto_weight(good, bad) * good / bad <= 1.34


def test_every_format_has_a_writer_and_an_unknown_one_is_named() -> None:
    assert all(callable(writer(name)) for name in FORMATS)
    with pytest.raises(UnknownFormat, match="no format 'csv'; there are: trl"):
        writer("csv")


def test_loss_that_changes_training_is_harmful() -> None:
    seen = [("text_dropped", "r1"), ("text_dropped", "r1"), ("content_filled", "r1")]
    report = LossReport.of("x", seen)
    assert [(loss.code, loss.count) for loss in report.harmful] == [("text_dropped", 1)]
    assert {"mask_inexpressible", "calls_flattened"}.isdisjoint(HARMLESS)
