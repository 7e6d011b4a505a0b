"""MLX-LM: a folder of conversations that end on the turn to train, for the last alone is masked."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import ending_on, with_objects
from headrace.exporters.formats.trainer_howto import MODEL, Block, Howto
from headrace.exporters.row import Row

BATCH = 4  # rows of a step, at most
EPOCHS = 2
LAST = (
    "`--mask-prompt` stays: it trains the last message of a row alone, and there is a row for each "
    "turn to train. Without it every token is trained, those of users and tools as well."
)
REST = (
    "`--batch-size` divides the rows: what is left over is never trained, and it is always the "
    "longest rows. `--iters` goes through all of them {epochs} times."
)


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """One for each trained turn."""
    tools = {"tools": json.loads(row.tools)} if row.tools else {}
    if sum(message["role"] == "assistant" for message in row.messages) > 1:
        lost("mask_unrolled")
    for messages in ending_on(row):
        yield {"messages": with_objects(messages, lost), **tools}


def pages(written: Written) -> Mapping[str, str]:
    howto = Howto(
        trainer="MLX-LM",
        tried="Tried with mlx-lm 0.32.2. Run it in this folder. The model is an example: any chat "
        "model whose template renders tool calls.",
        blocks=[Block(language="bash", code=_command(written))],
        room="`--max-seq-length`; what is longer is cut with a warning.",
        notes=[LAST, REST.format(epochs=EPOCHS), *_notes(written)],
    )
    return {HOWTO: howto.page(written)}


def _command(written: Written) -> str:
    batch = _batch(written)
    return " \\\n  ".join(
        [
            "mlx_lm.lora --train",
            f"--model {MODEL}",
            "--data . --mask-prompt",
            f"--batch-size {batch} --iters {EPOCHS * written.records.get('train', 0) // batch}",
            f"--max-seq-length {page.room(written)}",
            "--adapter-path adapters",
        ]
    )


def _batch(written: Written) -> int:
    """The most rows of a step that divide those to train on; the other side needs as many."""
    train, most = written.records.get("train", 0), written.records.get("test", BATCH)
    return max(size for size in range(1, min(BATCH, most) + 1) if train % size == 0)


def _notes(written: Written) -> Iterable[str]:
    if "test" not in written.files:
        yield "There is no `valid.jsonl`, hence MLX-LM warns that it trains without validation."
