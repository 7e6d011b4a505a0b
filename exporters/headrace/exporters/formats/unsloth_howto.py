"""The page beside Unsloth's files."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.trainer_howto import SIDES, Block, Howto
from headrace.exporters.objective import Objective

MODEL = "unsloth/Qwen3-0.6B"
TRAINERS: Mapping[Objective, str] = {"sft": "SFT", "kto": "KTO", "dpo": "DPO"}

CODE = """\
import json

from unsloth import FastLanguageModel  # before trl, which it patches
{imports}
from datasets import Dataset
from trl import {trainer}Config, {trainer}Trainer, apply_chat_template

model, tokenizer = FastLanguageModel.from_pretrained("{model}", max_seq_length={room})
model = FastLanguageModel.get_peft_model(model)


def texts(file):
    rows = map(json.loads, open(file, encoding="utf-8"))
    return Dataset.from_list(
        [apply_chat_template(row, tokenizer, tools=row.get("tools")) for row in rows]
    )


trainer = {trainer}Trainer(
    model=model,
    processing_class=tokenizer,
    args={trainer}Config(
        output_dir="out",
{settings}    ),
    {datasets},
)
{masked}trainer.train()"""

MASKED = """\
trainer = train_on_responses_only(
    trainer,
    instruction_part="<|im_start|>user\\n",
    response_part="<|im_start|>assistant\\n",
{last})
"""


def howto(written: Written) -> str:
    """The page for what was written."""
    return Howto(
        trainer="Unsloth",
        tried="Unsloth needs a GPU and was not run: these are its documented calls over rows that "
        "trl 1.16.0 has trained on. Run it in this folder. The model is an example.",
        blocks=[Block(language="python", code=_code(written))],
        room="`max_seq_length`; what is longer is cut or dropped without a word.",
        notes=[*_notes(written)],
    ).page(written)


def _code(written: Written) -> str:
    objective = written.shape.objective
    sft = objective == "sft"
    used = {"train": "train_dataset", "test": "eval_dataset"}
    last = "    last_response_only=True,\n" if written.shape.masked else ""
    return CODE.format(
        imports="from unsloth.chat_templates import train_on_responses_only\n" if sft else "",
        trainer=TRAINERS[objective],
        model=MODEL,
        room=page.room(written),
        settings="".join(f"        {setting},\n" for setting in _settings(written)),
        datasets=",\n    ".join(f'{used[s]}=texts("{file}")' for s, file in written.files.items()),
        masked=MASKED.format(last=last) if sft else "",
    )


def _settings(written: Written) -> Iterable[str]:
    yield f"max_length={page.room(written)}"
    if written.shape.objective == "sft":
        yield 'dataset_text_field="text"'
    if written.shape.objective == "kto":
        yield "per_device_train_batch_size=8"
        yield f"desirable_weight={page.kto_weight(written)}"


def _notes(written: Written) -> Iterable[str]:
    objective = written.shape.objective
    if objective == "sft":
        yield (
            "The two parts are those of Qwen's templates, in which results of tools are turns of "
            "the user: name those of your model's template. Where results have turns of their own, "
            "see that no token of them is trained."
        )
    if objective == "sft" and written.shape.masked:
        yield (
            "`last_response_only` stays: some turns of these conversations are context only, so "
            "there is a row for each turn to train, which ends on it. Versions that stop there do "
            "not know it yet; without it every earlier turn is trained again and again."
        )
    if objective == "kto":
        good, bad = written.shape.desirable, written.shape.undesirable
        yield (
            f"{good} desirable and {bad} undesirable rows: `desirable_weight` brings them into "
            "balance. Keep the batch size above 1: the KL estimate compares rows of a batch."
        )
    if objective == "dpo":
        yield SIDES
    yield (
        "Rows are read and rendered here, one by one, for `datasets` 4.3, which Unsloth wants, "
        "would fill the arguments of calls with nulls."
    )
