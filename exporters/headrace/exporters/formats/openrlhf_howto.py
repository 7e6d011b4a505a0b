"""The pages beside OpenRLHF's files: how to train on them, and what an answer is worth."""

from collections.abc import Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat_howto import (
    FLAT,
    MODEL,
    RATES,
    SCORER,
    UNROLLED,
    batch,
    command,
    files,
)
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.trainer_howto import SIDES, Block, Howto

FILE = "reward.py"
REWARD = '''\
"""What an answer is worth: the scorer of the evaluation, which each row names in its label."""

import json

from headrace.evals.rewards import compute_score

END = "<|im_end|>"  # with which the model ends its turn


def reward_func(queries, prompts, labels):
    [query], [prompt], [label] = queries, prompts, labels  # one at a time
    asked = json.loads(label)
    answer = query.removeprefix(prompt).removesuffix(END)
    worth = compute_score(asked["task_id"], answer, asked["reference"], asked)
    return {"rewards": worth, "scores": worth, "extra_logs": {}}
'''
TRAINERS = {"sft": "train_sft", "dpo": "train_dpo", "rm": "train_rm", "rl": "train_ppo_ray"}
DATASETS = {
    "sft": "SFTDataset",
    "dpo": "RewardDataset",
    "rm": "RewardDataset",
    "rl": "PromptDataset",
}
SPLIT = (
    "`--data.multiturn` must not be given: it would train the turns that are context only as well."
)
END = "`END` in `reward.py` is what the model ends a turn with; change it with the model's family."


def pages(written: Written) -> Mapping[str, str]:
    """HOWTO.md, and for tasks the reward function."""
    objective = written.shape.objective
    howto = Howto(
        trainer="OpenRLHF",
        tried=f"Such rows were loaded with openrlhf 0.11.2's own `{DATASETS[objective]}`; the "
        "command was not run to its end. Run it in this folder. The model is an example.",
        blocks=[Block(language="sh", code=_command(written))],
        room="`--data.max_len`; what is longer is cut or left out without a word.",
        notes=_notes(written),
    )
    return {HOWTO: howto.page(written), **({FILE: REWARD} if objective == "rl" else {})}


def _command(written: Written) -> str:
    objective = written.shape.objective
    name = f"openrlhf.cli.{TRAINERS[objective]}"
    data = "--data.prompt_dataset " if objective == "rl" else "--data.dataset "
    return command(
        f"python3 -m {name}" if objective == "rl" else f"deepspeed --module {name}",
        [
            *files(written, data, "--eval.dataset "),
            *_keys(written),
            f"--data.apply_chat_template --data.max_len {page.room(written)}",
            f"{'--actor' if objective == 'rl' else '--model'}.model_name_or_path {MODEL}",
            "--ckpt.output_dir out",
        ],
    )


def _keys(written: Written) -> list[str]:
    objective, shape = written.shape.objective, written.shape
    if objective == "sft":
        return ["--data.input_key messages" + ("" if shape.masked else " --data.multiturn")]
    if objective == "rl":
        return [
            "--data.input_key input --data.label_key label",
            f"--reward.remote_url {FILE}",
            f"--rollout.n_samples_per_prompt 8 --rollout.batch_size {batch(written)}",
            "--algo.advantage.estimator group_norm",
        ]
    keys = "--data.prompt_key prompt --data.chosen_key chosen --data.rejected_key rejected"
    margin = objective == "rm" and shape.margin
    return [keys, *(["--model.margin_loss_enable"] if margin else [])]


def _notes(written: Written) -> list[str]:
    objective = written.shape.objective
    notes = [FLAT] if written.shape.tools else []
    if objective == "rl":
        return [SCORER, END, RATES, *notes]
    if objective == "sft":
        return [*notes, *([UNROLLED, SPLIT] if written.shape.masked else [])]
    return [SIDES, *notes]
