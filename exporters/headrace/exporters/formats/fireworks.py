"""Fireworks: OpenAI's chats with thinking, one system message first, tasks with an evaluator."""

import inspect
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import rft_grader
from headrace.exporters.formats.chat import Chat
from headrace.exporters.formats.chat_howto import GRADER, SIDES, WEIGHTS, Howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row

CHAT = Chat(reasoning=True, one_system=True, ordered=True)
GRADES = "grader.py"
MODEL = "accounts/fireworks/models/qwen3-8b"
UPLOAD = "firectl dataset create {name}-{split} {file}"
JOBS: Mapping[Objective, str] = {
    "sft": "firectl sftj create",
    "dpo": "firectl dpo-job create --loss-method DPO",
    "rl": "firectl reinforcement-fine-tuning-job create \\\n"
    "  --evaluator accounts/ACCOUNT/evaluators/EVALUATOR",
}
NOTES: Mapping[Objective, tuple[str, ...]] = {
    "sft": (
        f"{WEIGHTS} Turns keep their `reasoning_content`: models that think learn it, and "
        "Fireworks then makes a row of each turn, without the thoughts of earlier ones.",
    ),
    "dpo": (
        SIDES,
        "Fireworks says that it takes one turn a pair, the last: look at what it makes of longer "
        "prompts before you train.",
    ),
    "rl": (
        "The evaluator is yours to make (`pip install eval-protocol`) and goes into the command: "
        f"let it call `grade(sample, item)` of `{GRADES}`, which scores an answer as the suite's "
        "scorers `match` and `tool_calls` do.",
        GRADER,
    ),
}
LIMITS = "3 rows to train on at least, 3,000,000 at most, and a system message only as the first."


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    return CHAT.records(row, lost)


def pages(written: Written) -> Mapping[str, str]:
    objective = written.shape.objective
    howto = Howto(
        service="Fireworks",
        about="`firectl` comes from Fireworks and is signed in with `firectl signin`. The model is "
        "an example: `firectl model get -a fireworks MODEL` says whether one is tunable.",
        checked="The rows were held against the documented rules alone.",
        language="bash",
        code=_code(written),
        notes=(*NOTES[objective], LIMITS),
    )
    grades = {GRADES: inspect.getsource(rft_grader)} if objective == "rl" else {}
    return {HOWTO: howto.page(written), **grades}


def _code(written: Written) -> str:
    objective = written.shape.objective
    name = written.shape.slug.lower().replace("_", "-")[:50]  # what Fireworks takes as a name
    job = [JOBS[objective], f"--base-model {MODEL}", f"--dataset {name}-train"]
    if objective == "sft" and "test" in written.files:
        job.append(f"--evaluation-dataset {name}-test")
    files = [UPLOAD.format(name=name, split=s, file=file) for s, file in written.files.items()]
    return "\n".join([*files, " \\\n  ".join([*job, f"--output-model {name}"])])
