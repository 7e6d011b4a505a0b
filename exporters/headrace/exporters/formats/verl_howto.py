"""The page beside verl's files."""

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat_howto import (
    FLAT,
    MODEL,
    RATES,
    SCORER,
    batch,
    command,
    files,
)
from headrace.exporters.formats.trainer_howto import Block, Howto

MASKED = "Conversations with a turn that must not train are left out: verl cannot mark one."
SOURCE = (
    "`extra_info.scorer` names what scores a row and `data_source` what its scores are reported "
    "under; each row is answered once (`single_turn_agent`), its calls are read and not run."
)


def howto(written: Written) -> str:
    """The page for what was written."""
    sft = written.shape.objective == "sft"
    name = "MultiTurnSFTDataset" if sft else "RLHFDataset"
    return Howto(
        trainer="verl",
        tried=f"Such rows were loaded with verl 0.9.1's own `{name}`; the command was not run to "
        "its end. Run it in this folder. The model is an example.",
        blocks=[Block(language="sh", code=_sft(written) if sft else _rl(written))],
        room="`data.max_length`; verl stops at what is longer."
        if sft
        else "`data.max_prompt_length`; what is longer is left out with a count in the log.",
        notes=_notes(written),
    ).page(written)


def _sft(written: Written) -> str:
    room = page.room(written)
    return command(
        "torchrun --standalone --nproc_per_node=1 -m verl.trainer.sft_trainer",
        [
            *files(written, "data.train_files=", "data.val_files="),
            f"data.max_length={room} data.max_token_len_per_gpu={room}",
            f"data.train_batch_size={batch(written)}",
            f"model.path={MODEL}",
            "trainer.logger='[\"console\"]'",
        ],
    )


def _rl(written: Written) -> str:
    size = batch(written)
    checked = [] if "test" in written.files else ["data.val_files=train.parquet"]
    return command(
        "python3 -m verl.trainer.main_ppo",
        [
            "algorithm.adv_estimator=grpo",
            *files(written, "data.train_files=", "data.val_files="),
            *checked,
            f"data.max_prompt_length={page.room(written)} data.filter_overlong_prompts=True",
            f"data.max_response_length=1024 data.train_batch_size={size}",
            f"actor_rollout_ref.model.path={MODEL}",
            f"actor_rollout_ref.actor.ppo_mini_batch_size={size}",
            "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=1",
            "actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.n=8",
            "actor_rollout_ref.rollout.tensor_model_parallel_size=1",
            "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=1",
            "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=1",
            "reward.custom_reward_function.path=pkg://headrace.evals.rewards",
            "reward.custom_reward_function.name=compute_score",
            "trainer.n_gpus_per_node=1 trainer.logger='[\"console\"]'",
        ],
    )


def _notes(written: Written) -> list[str]:
    flat = [FLAT] if written.shape.tools else []
    if written.shape.objective == "rl":
        return [SCORER, SOURCE, RATES, *flat]
    return [*flat, *([MASKED] if written.shape.masked else [])]
