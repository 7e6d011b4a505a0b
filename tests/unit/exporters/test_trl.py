import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats import registry
from headrace.exporters.formats.loss import HARMLESS, LossTally
from headrace.exporters.formats.registry import FORMATS, format_named
from headrace.exporters.lesson import Lesson
from headrace.exporters.row import Row
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Write = Callable[..., Any]

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


def rows_of(files: Any, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.files[f"{split}.jsonl"].splitlines()]


@pytest.fixture
def sft(episode: Make) -> Callable[..., Row]:
    def row(*, split: Any = "train", **fields: Any) -> Row:
        made = episode(**fields)
        return Row.sft(made, Lesson.of(made), split)

    return row


def test_golden_sft(adapted: Write, sft: Callable[..., Row]) -> None:
    made = adapted("trl", [sft()], "sft")
    assert made.files["train.jsonl"] == f'{{"messages": {PROMPT}, {DONE}], {TOOLS}}}\n'
    assert [(loss.code, loss.count) for loss in made.loss.losses] == [("content_filled", 1)]


def test_golden_kto(adapted: Write, episode: Make) -> None:
    good = Row.kto(episode(), Lesson.of(episode()), "train")
    bad = Row.kto(episode(resolution="failure"), Lesson.of(episode()), "train")
    text = adapted("trl", [good, bad], "kto").files["train.jsonl"]
    start = f'{{"prompt": {PROMPT}], "completion": [{DONE}], "label": '
    assert text == f"{start}true, {TOOLS}}}\n{start}false, {TOOLS}}}\n"


def test_golden_dpo(
    adapted: Write, episode: Make, talk: Callable[[], list[Body]], said: Callable[..., Body]
) -> None:
    other = episode("f1", messages=[*talk()[:4], said("assistant", "No")])
    text = adapted("trl", [Row.pair(episode(), other, 4, "train")], "dpo").files["train.jsonl"]
    assert text == (f'{{"prompt": {PROMPT}], "chosen": [{DONE}], "rejected": [{NO}], {TOOLS}}}\n')


def test_turns_that_must_not_train_unroll_the_whole_set(
    adapted: Write, sft: Callable[..., Row]
) -> None:
    masked = sft(episode_id="e2", trainable=(False, False, False, False, True))
    made = adapted("trl", [sft(), masked], "sft")
    rows = rows_of(made)
    assert [set(row) for row in rows] == [{"prompt", "completion", "tools"}] * 3
    trained = [(bool(row["completion"][0].get("tool_calls")), len(row["prompt"])) for row in rows]
    assert sorted(trained) == [(False, 4), (False, 4), (True, 2)]
    [unrolled] = [loss for loss in made.loss.losses if loss.code == "mask_unrolled"]
    assert unrolled.count == 2
    assert "completion_only_loss=True" in made.files["HOWTO.md"]


def test_reasoning_is_dropped_and_counted(
    adapted: Write, sft: Callable[..., Row], said: Callable[..., Body]
) -> None:
    chat = [said("user", "hi"), said("assistant", "hello", reasoning_content="greet")]
    row = sft(messages=chat, tools=None)
    made = adapted("trl", [row], "sft")
    assert "greet" not in made.files["train.jsonl"]
    assert [(loss.code, loss.row_ids) for loss in made.loss.losses] == [
        ("reasoning_dropped", (row.row_id,))
    ]


def test_tools_are_a_column_of_every_row_or_of_none(
    adapted: Write, sft: Callable[..., Row], said: Callable[..., Body]
) -> None:
    chat = sft(episode_id="e2", messages=[said("user", "hi"), said("assistant", "yo")], tools=None)
    assert "tools" not in rows_of(adapted("trl", [chat], "sft"))[0]
    assert [row["tools"] is None for row in rows_of(adapted("trl", [chat, sft()], "sft"))] == [
        True,
        False,
    ]


def test_a_split_without_rows_has_no_file(adapted: Write, sft: Callable[..., Row]) -> None:
    assert set(adapted("trl", [sft()], "sft").files) == {"train.jsonl", "HOWTO.md"}
    other = sft(split="test", resolution="failure", tools=None)
    both = adapted("trl", [sft(), other], "sft").files
    assert set(both) == {"train.jsonl", "test.jsonl", "HOWTO.md"}
    assert "eval_dataset=test" in both["HOWTO.md"]


def test_an_unknown_format_is_named_and_so_is_one_without_the_objective(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnknownFormat, match="no format 'csv'; for sft there are: trl"):
        format_named("csv", "sft")
    only = msgspec.structs.replace(FORMATS["trl"], name="mlx", objectives=("sft",))
    monkeypatch.setattr(registry, "FORMATS", {"mlx": only, **FORMATS})
    with pytest.raises(UnknownFormat, match="'mlx' has no kto, only sft; for kto there are: trl"):
        format_named("mlx", "kto")


def test_loss_that_changes_training_is_harmful_and_a_row_counts_once_for_each_code() -> None:
    tally = LossTally("x")
    for row_id in ("r1", "r2"):
        tally.turn(row_id)
        for code in ("text_dropped", "text_dropped", "content_filled"):
            tally(code)
    [harmful] = tally.report.harmful
    assert (harmful.code, harmful.count, harmful.row_ids) == ("text_dropped", 2, ("r1", "r2"))
    assert {"mask_inexpressible", "calls_flattened"}.isdisjoint(HARMLESS)
