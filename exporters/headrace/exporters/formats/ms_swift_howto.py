"""The page beside ms-swift's files, and the reward that it loads."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.trainer_howto import MODEL, RATED, Block, Howto
from headrace.exporters.objective import Objective

KINDS: Mapping[Objective, str] = {"dpo": "dpo", "kto": "kto", "rm": "rm", "rl": "grpo"}

REWARD = '''\
"""What an answer is worth, as the evaluation tells it: `pip install 'headrace[evals]'`."""

from headrace.evals.rewards import trl_reward
from swift.rewards import ORM, orms


class Headrace(ORM):
    def __call__(self, completions, scorer, reference, **columns):
        return trl_reward(completions, scorer, reference)


orms["headrace"] = Headrace
'''


def pages(written: Written) -> Mapping[str, str]:
    """HOWTO.md, and for tasks the module with the reward."""
    made = Howto(
        trainer="ms-swift",
        tried="Tried with ms-swift 4.6.0, transformers 5.19.0 and datasets 4.8.4. Run it in this "
        "folder. The model is an example, and `hermes` is how models of the families Hermes and "
        "Qwen write tools: name another `agent_template` for other models.",
        blocks=[Block(language="bash", code=" \\\n  ".join(_settings(written)))],
        room="`max_length`; what is longer is left out with a line in the log.",
        notes=[*_notes(written)],
    ).page(written)
    reward = {"reward.py": REWARD} if written.shape.objective == "rl" else {}
    return {HOWTO: made, **reward}


def _settings(written: Written) -> Iterable[str]:
    objective = written.shape.objective
    kind = KINDS.get(objective)
    yield f"swift rlhf --rlhf_type {kind}" if kind else "swift sft"
    yield f"--model {MODEL}"
    for split, file in written.files.items():
        yield f"--{'dataset' if split == 'train' else 'val_dataset'} {file}"
    yield "--agent_template hermes"
    yield f"--max_length {page.room(written)}"
    if objective == "kto":
        yield f"--desirable_weight {page.kto_weight(written)} --undesirable_weight 1"
        yield "--per_device_train_batch_size 8"
    if objective == "rl":
        yield "--external_plugins reward.py --reward_funcs headrace"
        yield "--num_generations 8 --per_device_train_batch_size 8"
    yield "--gradient_accumulation_steps 8"
    yield "--output_dir out"


def _notes(written: Written) -> Iterable[str]:
    objective = written.shape.objective
    if objective == "sft":
        yield "`loss` marks the turns that train; those with `false` are context only."
    elif objective == "rl":
        yield (
            "`reward.py` asks the scorer of the evaluation that a row names. A prompt that always "
            "or never passes teaches nothing: `pass_rate` is the share of `samples` that `policy` "
            "got right in production, null where nobody knows."
        )
        yield RATED
        yield "The files were read and every row encoded; no step was trained on prompts."
    elif objective == "rm":
        yield "Both sides are a whole conversation; they differ in their last turn alone."
    else:
        yield (
            f"{'Both sides are' if objective != 'kto' else 'A row is'} a whole conversation, of "
            "which the last turn alone trains: `loss` is false on every other."
        )
    if objective == "kto":
        good, bad = written.shape.desirable, written.shape.undesirable
        yield (
            f"{good} desirable and {bad} undesirable rows: `desirable_weight` brings them into "
            "balance. Keep the batch size above 1: the KL estimate compares rows of a batch."
        )
