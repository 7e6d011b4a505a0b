"""The page beside TRL's files: the lines that train on them, as they ran."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.exporters.call import text
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.objective import Objective
from headrace.lake.record import Split

Records = Mapping[Split, Sequence[Mapping[str, Any]]]

MODEL = "Qwen/Qwen3-0.6B"
TRAINERS: Mapping[Objective, str] = {"sft": "SFT", "kto": "KTO", "dpo": "DPO"}
CHARS_PER_TOKEN = 4

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
from datasets import Features, Json, List, Value, load_dataset
from trl import {trainer}Config, {trainer}Trainer

features = Features({features})
{loads}
trainer = {trainer}Trainer(
    model="{model}",
    args={trainer}Config(output_dir="out", {settings}),
    {datasets},
)
trainer.train()"""

LOAD = (
    '{split} = load_dataset("json", data_files="{split}.jsonl", features=features, split="train")'
)


def howto(objective: Objective, records: Records, loss: LossReport) -> str:
    """The page for the records of every split."""
    tokens = max((_tokens(record) for made in records.values() for record in made), default=0)
    return PAGE.format(
        code=_code(objective, records, tokens),
        counts=", ".join(f"{split}: {len(made)} rows" for split, made in records.items()) + ".",
        tokens=tokens,
        notes=_notes(objective, records),
        losses=_losses(loss),
    )


def kto_weight(good: int, bad: int) -> float:
    """The desirable weight that puts weight x good / bad into 1 to 4/3 (Eq. 8 of 2402.01306)."""
    if bad <= good <= bad * 4 / 3:
        return 1.0
    return max(round(bad / good * 7 / 6, 2), 0.01)


def _code(objective: Objective, records: Records, tokens: int) -> str:
    splits = [split for split, made in records.items() if made]
    used = {"train": "train_dataset=train", "test": "eval_dataset=test"}
    return CODE.format(
        trainer=TRAINERS[objective],
        model=MODEL,
        features=_features(_first(records)),
        loads="\n".join(LOAD.format(split=split) for split in splits),
        settings=", ".join(_settings(objective, records, tokens)),
        datasets=", ".join(used[split] for split in splits),
    )


def _settings(objective: Objective, records: Records, tokens: int) -> list[str]:
    settings = [f"max_length={_room(tokens)}"]
    if objective == "sft":
        whole = "messages" in _first(records)
        settings.append("assistant_only_loss=True" if whole else "completion_only_loss=True")
    if objective == "kto":
        weight = kto_weight(*_labels(records))
        settings += ["per_device_train_batch_size=8", f"desirable_weight={weight}"]
    return settings


def _notes(objective: Objective, records: Records) -> str:
    if objective == "sft" and "messages" in _first(records):
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
        good, bad = _labels(records)
        return (
            f"* {good} desirable and {bad} undesirable rows: with `undesirable_weight` 1 keep "
            f"`desirable_weight` between {bad / good:.2f} and {1.33 * bad / good:.2f}.\n"
            "* Keep the batch size above 1: the KL estimate compares rows of a batch.\n"
        )
    return "* Each side is one assistant message: no tool result and no user turn is scored.\n"


def _losses(loss: LossReport) -> str:
    lines = [
        f"* `{one.code}`: {one.count} rows, for instance {', '.join(one.row_ids)}"
        for one in loss.losses
    ]
    return "\n".join(lines) or "Nothing."


def _features(record: Mapping[str, Any]) -> str:
    types = {"label": 'Value("bool")'}
    columns = (f'"{column}": {types.get(column, "List(Json())")}' for column in record)
    return "{" + ", ".join(columns) + "}"


def _first(records: Records) -> Mapping[str, Any]:
    return next(record for made in records.values() for record in made)


def _labels(records: Records) -> tuple[int, int]:
    labels = [record["label"] for record in records["train"]]
    return labels.count(True), labels.count(False)


def _tokens(record: Mapping[str, Any]) -> int:
    return -(-len(text(record)) // CHARS_PER_TOKEN)


def _room(tokens: int) -> int:
    """The next power of two above the estimate and a quarter, for it is an estimate."""
    return int(2 ** max(10, (tokens + tokens // 4).bit_length()))
