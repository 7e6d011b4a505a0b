"""Axolotl: a mark on every message that tells whether it trains; pairs in the flat view."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.call import text
from headrace.exporters.formats import page
from headrace.exporters.formats.context import context
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import FAMILY, flat
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import with_texts
from headrace.exporters.formats.trainer_howto import GUESSED, MODEL, SIDES, Block, Howto
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

# A side of a pair is rendered after a user turn of its own and then looked for in the text: one
# that occurs in what templates write before it is found there, and the rest is trained with it.
BEFORE = (
    "<s><bos><|begin_of_text|><|im_start|><|start_header_id|><start_of_turn><|start|>[INST]"
    "system\n\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>"
    "<|im_start|>user<|end_header_id|>\n\n[[dummy_message]]<|eot_id|><|im_end|><end_of_turn>\n"
    "[/INST]<|im_start|>assistant\n<think>\n\n</think>\n\n<start_of_turn>model\n"
)

DATASET = """\
  - path: {file}
    ds_type: json
    split: train
    type: {type}"""
MASKED = """
    field_messages: messages
    message_field_training: train
    roles_to_train: []"""
CONFIG = """\
base_model: {model}
chat_template: tokenizer_default
{rl}{datasets}
sequence_len: {room}
micro_batch_size: 1
gradient_accumulation_steps: 8
num_epochs: 1
optimizer: adamw_torch
learning_rate: 1e-5
output_dir: out"""


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Arguments and parameters are JSON text, which keeps a type of its own for every row."""
    if row.objective == "sft":
        yield _sft(row, shape, lost)
    elif (reason := _against(row)) is not None:
        lost(f"row_skipped:{reason}")
    else:
        yield {
            "messages": context(row.prompt, row.tools, lost),
            "chosen": _side(row.chosen, lost),
            "rejected": _side(row.rejected, lost),
        }


def pages(written: Written) -> Mapping[str, str]:
    howto = Howto(
        trainer="Axolotl",
        tried="Tried with axolotl 0.19.0 and datasets 4.8.4. Save this as `axolotl.yaml` in this "
        "folder and run `axolotl train axolotl.yaml` there. The model is an example: any chat "
        "model whose template renders tool calls.",
        blocks=[Block(language="yaml", code=_config(written))],
        room="`sequence_len`; what is longer is dropped with a line in the log.",
        notes=[*_notes(written)],
    )
    return {HOWTO: howto.page(written)}


def _sft(row: Row, shape: Shape, lost: Lost) -> Record:
    said = zip(with_texts(row.messages, lost), row.trainable, strict=True)
    messages = [{**message, "train": on} for message, on in said]
    tools = [_tool(tool) for tool in json.loads(row.tools)] if row.tools else None
    return {"messages": messages, **({"tools": tools} if shape.tools else {})}


def _tool(tool: Body) -> Body:
    """Its parameters as JSON text."""
    function = tool["function"]
    if "parameters" not in function:
        return tool
    return {**tool, "function": {**function, "parameters": text(function["parameters"])}}


def _against(row: Row) -> str | None:
    """Why the pair cannot be said."""
    sides = [_side(side, lambda code: None)["content"] for side in (row.chosen, row.rejected)]
    if not all(sides):
        return "empty_reply"
    if sides[0] == sides[1]:
        return "same_reply"
    return "reserved_token" if any(side in BEFORE for side in sides) else None


def _side(messages: Messages, lost: Lost) -> Body:
    """One message. Templates strip what is around it, and then it would not be found."""
    [turn] = flat(messages, None, lost)
    if (bare := turn["content"].strip()) != turn["content"]:
        lost("text_dropped:outer_whitespace")
    return {**turn, "content": bare}


def _config(written: Written) -> str:
    pairs = written.shape.objective == "dpo"
    kinds = {"train": "datasets", "test": "test_datasets"}
    kind = "chat_template.default" if pairs else "chat_template"
    datasets = [
        f"{kinds[split]}:\n{DATASET.format(file=file, type=kind)}{'' if pairs else MASKED}"
        for split, file in written.files.items()
    ]
    return CONFIG.format(
        model=MODEL,
        rl="rl: dpo\n" if pairs else "",
        datasets="\n".join(datasets),
        room=page.room(written),
    )


def _notes(written: Written) -> Iterable[str]:
    if written.shape.objective == "dpo":
        yield SIDES
        yield (
            "Axolotl reads role and content of pairs and nothing else. Tools, calls and results "
            f"are therefore text, written as the templates of {FAMILY} write them: train a model "
            "of that family."
        )
        return
    yield "`train` marks the turns that train; all others are context."
    yield GUESSED
