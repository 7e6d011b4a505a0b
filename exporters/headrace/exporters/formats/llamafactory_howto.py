"""The page beside LLaMA-Factory's files."""

from collections.abc import Iterable

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.trainer_howto import MODEL, SIDES, Block, Howto
from headrace.lake.record import Split


def name(written: Written, split: Split) -> str:
    """Of one side in `dataset_info.json`."""
    slug = written.shape.slug
    return slug if split == "train" else f"{slug}-{split}"


def howto(written: Written) -> str:
    """The page for what was written."""
    return Howto(
        trainer="LLaMA-Factory",
        tried="Tried with llamafactory 0.9.5 and datasets 4.0.0. Save this as `train.yaml` in this "
        "folder, where `dataset_info.json` is, and run `llamafactory-cli train train.yaml` there. "
        "Model and template are examples and belong together.",
        blocks=[Block(language="yaml", code="\n".join(settings(written)))],
        room="`cutoff_len`; what is longer is cut without a word.",
        notes=[*_notes(written)],
    ).page(written)


def settings(written: Written) -> Iterable[str]:
    """The lines of `train.yaml`."""
    objective = written.shape.objective
    yield f"model_name_or_path: {MODEL}"
    yield "template: qwen3_nothink"
    yield f"stage: {objective}"
    yield "do_train: true"
    yield "finetuning_type: lora"
    yield "dataset_dir: ."
    for split in written.files:
        yield f"{'dataset' if split == 'train' else 'eval_dataset'}: {name(written, split)}"
    if "test" in written.files:
        yield "eval_strategy: epoch"
    yield f"cutoff_len: {page.room(written)}"
    if objective == "sft" and written.shape.masked:
        yield "mask_history: true"
    if objective == "dpo":
        yield "pref_loss: sigmoid"
    if objective == "kto":
        yield f"kto_chosen_weight: {page.kto_weight(written)}"
        yield "per_device_train_batch_size: 8"
    yield "output_dir: out"


def _notes(written: Written) -> Iterable[str]:
    objective = written.shape.objective
    if objective == "sft" and written.shape.masked:
        yield (
            "`mask_history: true` stays. Some turns of these conversations are context only, so "
            "there is a row for each turn to train, which ends on it; without that line every "
            "earlier turn is trained as well, again and again."
        )
    if objective == "dpo":
        yield SIDES
    if objective == "kto":
        good, bad = written.shape.desirable, written.shape.undesirable
        yield (
            f"{good} desirable and {bad} undesirable rows: `kto_chosen_weight` brings them into "
            "balance. Keep the batch size above 1: the KL estimate compares rows of a batch."
        )
    if written.shape.tools:
        yield (
            "Calls are JSON, several at once a list. Text beside calls stands before "
            "`<tool_call>`: 0.9.5 reads that, older versions and the `lfm2` templates stop at it."
        )
        yield (
            "Several results of one step are one turn, with the tags between them that Qwen's "
            "templates write: train a model of that family where there are such rows."
        )
