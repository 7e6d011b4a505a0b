"""The pages beside the files of prime-rl and verifiers: how to train, and a taskset that scores."""

from collections.abc import Mapping

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat_howto import FLAT, MODEL, RATES, SCORER, batch, command
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.trainer_howto import GUESSED, Block, Howto

FILE = "taskset.py"
TASKSET = '''\
"""Tasks from the rows of this folder; an answer is worth what the scorer of the evaluation says."""

from collections.abc import Iterator
from pathlib import Path

import verifiers.v1 as vf
from headrace.evals.rewards import verifiers_reward

__all__ = ["HeadraceTaskset"]


class HeadraceTask(vf.Task[vf.WireTaskData]):
    @property
    def key(self) -> str:
        return self.data.id

    @vf.stop
    async def answered(self, trace: vf.Trace) -> bool:
        """One answer: calls in it are read and not run."""
        return trace.num_turns > 0

    @vf.reward
    async def worth(self, trace: vf.Trace) -> float:
        return await verifiers_reward(self.data, trace)


class HeadraceConfig(vf.TasksetConfig):
    rows: str = "train.jsonl"


class HeadraceTaskset(vf.Taskset[HeadraceTask, HeadraceConfig]):
    def load(self) -> Iterator[HeadraceTask]:
        with (Path(__file__).parent / self.config.rows).open(encoding="utf-8") as file:
            for line in file:
                yield HeadraceTask(vf.WireTaskData.model_validate_json(line), self.config.task)
'''
SFT = """\
max_steps = 100

[model]
name = "{model}"

[data]
name = "."
splits = ["train"]
seq_len = {room}
batch_size = {batch}"""
RL = """\
max_steps = 100
seq_len = {room}

[model]
name = "{model}"

[[orchestrator.train.env]]
taskset = {{ id = "taskset" }}
agent = {{ harness = {{ id = "null" }}, runtime = {{ type = "subprocess" }} }}"""

ROLES = (
    "prime-rl masks by role: every assistant turn trains. Conversations with a turn that must not "
    "train are left out."
)
NULLS = "Arguments are JSON text, which prime-rl parses; older versions drop those that are null."
EVAL = command(
    "PYTHONPATH=. vf-eval taskset --no-push",
    [
        "--env.agent.harness.id null --env.agent.runtime.type subprocess",
        "--client.base-url http://localhost:8000/v1 --model MODEL",
    ],
)
AWAY = (
    "What your users wrote stays with you as long as all three stay: without `--no-push` verifiers "
    "uploads the run to Prime Intellect, without `subprocess` its harness runs in their cloud, and "
    "without `--client.base-url` a model there answers."
)


def pages(written: Written) -> Mapping[str, str]:
    """HOWTO.md, and for tasks the taskset."""
    rl = written.shape.objective == "rl"
    howto = (_rl if rl else _sft)(written)
    return {HOWTO: howto.page(written), **({FILE: TASKSET} if rl else {})}


def _sft(written: Written) -> Howto:
    settings = SFT.format(model=MODEL, room=page.room(written), batch=batch(written))
    return Howto(
        trainer="prime-rl",
        tried="Such rows were rendered with renderers 0.1.12, which prime-rl uses; nothing was "
        "trained. Save this as `sft.toml` in this folder and run `uv run sft @ sft.toml` there. "
        "The model is an example.",
        blocks=[Block(language="toml", code=settings)],
        room="`data.seq_len`; what is longer is cut without a word.",
        notes=[ROLES, *([NULLS] if written.shape.tools else []), GUESSED],
    )


def _rl(written: Written) -> Howto:
    settings = RL.format(model=MODEL, room=2 * page.room(written))
    test = (
        [f"`test.jsonl` holds the other side: `--env.taskset.rows {written.files['test']}`."]
        if "test" in written.files
        else []
    )
    return Howto(
        trainer="prime-rl and verifiers",
        tried="Such rows were read as tasks of verifiers 0.4.0, and `taskset.py` scored answers "
        "there; prime-rl was not run. Run this in this folder.",
        blocks=[
            Block(language="sh", code=EVAL, about="Let a model answer each task once:"),
            Block(
                language="toml",
                code=settings,
                about="Save this as `rl.toml` and run `PYTHONPATH=. uv run rl @ rl.toml`:",
            ),
        ],
        room="`seq_len`, which has to hold the answer as well.",
        notes=[AWAY, SCORER, *test, RATES, *([FLAT] if written.shape.tools else [])],
    )
