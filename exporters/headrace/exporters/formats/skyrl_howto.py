"""The pages beside SkyRL's files: how to train on them, and an environment that scores."""

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
from headrace.exporters.formats.trainer_howto import RATED, Block, Howto

ENVIRONMENT = "headrace"
ENV_FILE, MAIN_FILE = "headrace_env.py", "main.py"
ENV = '''\
"""An environment of one turn: an answer is worth what the scorer of the evaluation says."""

from headrace.evals.rewards import compute_score
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput


class HeadraceEnv(BaseTextEnv):
    def __init__(self, env_config, extras):
        super().__init__()
        self.extras = extras

    def step(self, action):
        right = self.extras["reward_spec"]["ground_truth"]
        asked = self.extras["extra_info"]
        worth = compute_score(self.extras["data_source"], action, right, asked)
        return BaseTextEnvStepOutput(observations=[], reward=worth, done=True, metadata={})
'''
MAIN = '''\
"""Trains on the tasks of this folder; settings are given as `key=value`."""

import sys

import ray
from skyrl.train.config import SkyRLTrainConfig
from skyrl.train.entrypoints.main_base import BasePPOExp, validate_cfg
from skyrl.train.utils import initialize_ray
from skyrl_gym.envs import register


@ray.remote(num_cpus=1)
def train(cfg):
    register(id="headrace", entry_point="headrace_env:HeadraceEnv")
    BasePPOExp(cfg).run()


if __name__ == "__main__":
    cfg = SkyRLTrainConfig.from_cli_overrides(sys.argv[1:])
    validate_cfg(cfg)
    initialize_ray(cfg)
    ray.get(train.remote(cfg))
'''
LAST = (
    "`last_assistant_message` stays: with `all_assistant_messages` the turns that are context only "
    "would train as well."
)


def pages(written: Written) -> Mapping[str, str]:
    """HOWTO.md, and for tasks an environment and what trains with it."""
    rl = written.shape.objective == "rl"
    howto = Howto(
        trainer="SkyRL",
        tried="Rows and settings are as the source of SkyRL 0.3 reads them; nothing was trained. "
        "Run this in this folder. The model is an example.",
        blocks=[Block(language="sh", code=_rl(written) if rl else _sft(written))],
        room="`trainer.max_prompt_length`; what is longer is left out with a count in the log."
        if rl
        else "`max_length`; what is longer is cut without a word.",
        notes=_notes(written),
    )
    made = {ENV_FILE: ENV, MAIN_FILE: MAIN} if rl else {}
    return {HOWTO: howto.page(written), **made}


def _sft(written: Written) -> str:
    masked = written.shape.masked
    checked = ["eval_datasets=\"['$PWD']\" eval_dataset_splits=\"['test']\""]
    return command(
        "python3 -m skyrl.train.main_sft strategy=fsdp",
        [
            f"model.path={MODEL}",
            "train_datasets=\"['$PWD']\" train_dataset_splits=\"['train']\"",
            *(checked if "test" in written.files else []),
            f"train_on_what={'last_assistant_message' if masked else 'all_assistant_messages'}",
            f"max_length={page.room(written)}",
        ],
    )


def _rl(written: Written) -> str:
    size = batch(written)
    named = files(written, "data.train_data=", "data.val_data=")
    return command(
        f"PYTHONPATH=. python3 {MAIN_FILE}",
        [
            *(f"{key}=\"['{file}']\"" for key, _, file in (one.partition("=") for one in named)),
            *([] if "test" in written.files else ["data.val_data=null trainer.eval_interval=-1"]),
            f"environment.env_class={ENVIRONMENT}",
            f"trainer.policy.model.path={MODEL}",
            "trainer.algorithm.advantage_estimator=grpo",
            f"trainer.train_batch_size={size} trainer.policy_mini_batch_size={size}",
            f"trainer.max_prompt_length={page.room(written)} trainer.logger=console",
            "generator.n_samples_per_prompt=8 generator.sampling_params.max_generate_length=1024",
        ],
    )


def _notes(written: Written) -> list[str]:
    notes = [FLAT] if written.shape.tools else []
    if written.shape.objective == "rl":
        return [SCORER, RATES, RATED, *notes]
    return [*notes, *([UNROLLED, LAST] if written.shape.masked else [])]
