"""The page beside TRL's files: the lines that train on them, as they ran."""

from collections.abc import Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.objective import Objective

MODEL = "Qwen/Qwen3-0.6B"
TRAINERS: Mapping[Objective, str] = {
    "sft": "SFT",
    "kto": "KTO",
    "dpo": "DPO",
    "rm": "Reward",
}
TYPES: Mapping[str, str] = {
    "label": 'Value("bool")',
    "margin": 'Value("float64")',
}

PAGE = """\
# Train with TRL

Tried with trl 1.16.0, transformers 5.23.0 and datasets 5.2.0; `Json` needs datasets 4.7 or later.
Run it in this folder. The model is an example: any chat model whose template renders tool calls.

```python
{code}
```

{counts}

* `features=` stays: guessed types fail on later tool calls or fill their arguments with nulls.
* The longest row has about {tokens} tokens (characters / 4, tool definitions included), hence
  `max_length`; what is longer is cut or dropped without a word.
{notes}
## What this format could not say

{losses}
"""

CODE = """\
from datasets import {types}, load_dataset
from trl import {trainer}Config, {trainer}Trainer

features = Features({features})
{loads}
trainer = {trainer}Trainer(
    model="{model}",
    args={trainer}Config(output_dir="out"{settings}),
    {datasets},
)
trainer.train()"""

LOAD = 'load_dataset("json", data_files="{file}", features=features, split="train")'


def howto(written: Written) -> str:
    """The page for what was written."""
    return PAGE.format(
        code=_code(written),
        counts=page.counts(written),
        tokens=page.tokens(written),
        notes=_notes(written),
        losses=page.losses(written),
    )


def _code(written: Written) -> str:
    used = {"train": "train_dataset=train", "test": "eval_dataset=test"}
    loads = [f"{split} = {LOAD.format(file=file)}" for split, file in written.files.items()]
    features = _features(written)
    kinds = [name for name in ("Features", "Json", "List", "Value") if f"{name}(" in features]
    return CODE.format(
        types=", ".join(sorted({"Features", *kinds})),
        trainer=TRAINERS[written.shape.objective],
        model=MODEL,
        features=features,
        loads="\n".join(loads),
        settings="".join(f", {setting}" for setting in _settings(written)),
        datasets=", ".join(used[split] for split in written.files),
    )


def _settings(written: Written) -> list[str]:
    objective = written.shape.objective
    settings = [f"max_length={page.room(written)}"]
    if objective == "sft":
        whole = "messages" in written.columns
        settings.append("assistant_only_loss=True" if whole else "completion_only_loss=True")
    if objective == "kto":
        settings += [
            "per_device_train_batch_size=8",
            f"desirable_weight={page.kto_weight(written)}",
        ]
    return settings


def _notes(written: Written) -> str:
    objective = written.shape.objective
    if objective == "sft" and "messages" in written.columns:
        return (
            "* `assistant_only_loss` needs a template with `{% generation %}`; TRL brings one for "
            "the common families.\n"
        )
    if objective == "sft":
        return (
            "* One row per trained turn: some turns of these conversations are context only, and "
            "TRL cannot mark them.\n"
        )
    if objective == "kto":
        good, bad = written.shape.desirable, written.shape.undesirable
        return (
            f"* {good} desirable and {bad} undesirable rows: with `undesirable_weight` 1 keep "
            f"`desirable_weight` between {bad / good:.2f} and {1.33 * bad / good:.2f}.\n"
            "* Keep the batch size above 1: the KL estimate compares rows of a batch.\n"
        )
    if objective == "rm":
        return "* Each side is a whole dialogue; the two differ in their last message alone.\n"
    return "* Each side is one assistant message: no tool result and no user turn is scored.\n"


def _features(written: Written) -> str:
    columns = (f'"{name}": {TYPES.get(name, "List(Json())")}' for name in written.columns)
    return "{" + ", ".join(columns) + "}"
