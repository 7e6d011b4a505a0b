"""What all tasks of Harbor share, and the page beside them."""

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat_howto import RATES
from headrace.exporters.formats.trainer_howto import Block, Howto

ABOUT = """\
# Answer for the assistant

Below is a conversation of an assistant. Write what the assistant says next into
`/workdir/answer.txt`: its words alone, without its role.
"""
CALLS = """\
To call a tool, write the call into the answer as the system message says, after the words if there
are any. The tools of the conversation do not run here, and no result is waited for.
"""
SETTINGS = """\
schema_version = "1.1"

[task]
name = "headrace/{name}"

[metadata]
{metadata}

[verifier]
timeout_sec = 120.0

[agent]
timeout_sec = 600.0

[environment]
build_timeout_sec = 1800.0
cpus = 1
memory_mb = 2048
storage_mb = 10240
"""
DOCKERFILE = """\
FROM python:3.12-slim
RUN pip install --no-cache-dir 'headrace[evals]'
WORKDIR /workdir
"""
TEST = """\
#!/bin/sh
set -e
mkdir -p /logs/verifier
python3 "$(dirname "$0")/score.py"
"""
SCORE = '''\
"""What the answer is worth: the scorer of the evaluation. Without an answer, nothing."""

import json
import os
from pathlib import Path

from headrace.evals.rewards import compute_score

ANSWER = Path(os.environ.get("ANSWER", "/workdir/answer.txt"))
REWARD = Path(os.environ.get("REWARD", "/logs/verifier/reward.txt"))

case = json.loads(Path(__file__).with_name("case.json").read_text(encoding="utf-8"))
worth = 0.0
if ANSWER.exists():
    answer = ANSWER.read_text(encoding="utf-8", errors="replace").removesuffix("\\n")
    worth = compute_score(case["task_id"], answer, case["reference"], case)
REWARD.write_text(f"{worth}\\n")
'''
TRL = """\
from trl import GRPOConfig, GRPOTrainer
from trl.experimental.harbor import HarborSpec

spec = HarborSpec("train", agent="bash")
trainer = GRPOTrainer(
    model="Qwen/Qwen3-4B",
    args=GRPOConfig(output_dir="out", num_generations=8, max_tool_calling_iterations=5),
    train_dataset=spec.train_dataset,
    environment_factory=spec.environment_factory,
    reward_funcs=spec.reward_funcs,
)
trainer.train()"""

AGENT = (
    "What is trained is an agent in a box: it reads the conversation in an instruction and writes "
    "the next answer of the assistant to a file. To train the assistant itself, take the rows of "
    "`trl` or `verl`."
)
BOX = (
    "The tests run in the box that the agent worked in, with `headrace[evals]` from its image. All "
    "tasks have the same image, which is built once; verifiers builds none, so push it and name it "
    "as `docker_image` in `task.toml`."
)


def howto(written: Written) -> str:
    """The page for what was written."""
    return Howto(
        trainer="Harbor tasks",
        tried="Tasks follow the layout that TRL 1.16's `HarborSpec`, SkyRL and verifiers 0.4.0's "
        "`HarborTaskset` read, as their source has it; the tests ran, no box was started. Run this "
        "in this folder, where Docker is (`pip install 'trl[harbor]'`, Python 3.12).",
        blocks=[Block(language="python", code=TRL)],
        room=f"a context of {2 * page.room(written)}, what the agent does included.",
        notes=[AGENT, BOX, RATES],
    ).page(written)
