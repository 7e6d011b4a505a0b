"""The pages of OpenAI and Azure OpenAI, which one client uploads to."""

import inspect
import json
from collections.abc import Mapping

import msgspec

from headrace.exporters.formats import rft_grader
from headrace.exporters.formats.chat_howto import GRADER, SIDES, WEIGHTS, Howto
from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.objective import Objective

CHECKED = "The rows were held against the types of openai 2.54.0 and the documented rules."
GRADES = "grader.json"
LOAD = f'grader = json.load(open("{GRADES}"))'
SUFFIX = 40  # characters of a model's name
MODELS: Mapping[Objective, str] = {
    "sft": "gpt-4.1-mini-2025-04-14",
    "dpo": "gpt-4.1-mini-2025-04-14",
    "rl": "o4-mini-2025-04-16",
}
METHODS: Mapping[Objective, str] = {
    "sft": '{"type": "supervised"}',
    "dpo": '{"type": "dpo"}',
    "rl": '{"type": "reinforcement", "reinforcement": {"grader": grader}}',
}
CODE = """\
{imports}
from openai import OpenAI

{client}
{files}
job = client.fine_tuning.jobs.create(
    model="{model}",
    {arguments},
)
print(job.id)"""

UPLOAD = """\
{split} = client.files.create(file=open("{file}", "rb"), purpose="fine-tune")
client.files.wait_for_processing({split}.id)"""

FLAG = (
    "`parallel_tool_calls` is `true` beside tools, the default of the API: ask the model with what "
    "it was trained with."
)
LIMITS = "10 rows to train on at least, 512 MB at most, 128 tools, all names in `[A-Za-z0-9_-]`."
NOTES: Mapping[Objective, tuple[str, ...]] = {
    "sft": (WEIGHTS, FLAG),
    "dpo": (SIDES, FLAG, "Pairs need a model that trains on preferences."),
    "rl": (
        f"`{GRADES}` scores an answer as the suite's scorers `match` and `tool_calls` do; the "
        "service runs it, and nothing else of this data set.",
        GRADER,
        "What was said by `system` is said by `developer`.",
    ),
}


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Who is reached with OpenAI's client, and what is peculiar to it."""

    name: str
    about: str
    client: str  # the line that makes one
    imports: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()  # of a job
    notes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()  # notes for tasks alone

    def pages(self, written: Written) -> Mapping[str, str]:
        """HOWTO.md, and for tasks the grader."""
        objective = written.shape.objective
        rl = objective == "rl"
        howto = Howto(
            service=self.name,
            about=self.about,
            checked=CHECKED,
            code=self._code(written),
            notes=(*NOTES[objective], *self.notes, *(self.tasks if rl else ()), LIMITS),
        )
        return {HOWTO: howto.page(written), **({GRADES: grader()} if rl else {})}

    def _code(self, written: Written) -> str:
        objective = written.shape.objective
        load, used = ([LOAD], ["json"]) if objective == "rl" else ([], [])
        files = [UPLOAD.format(split=s, file=file) for s, file in written.files.items()]
        return CODE.format(
            imports="".join(f"import {name}\n" for name in sorted([*used, *self.imports])),
            client=self.client,
            files="\n".join([*files, *load]),
            model=MODELS[objective],
            arguments=",\n    ".join(self._arguments(written)),
        ).lstrip()

    def _arguments(self, written: Written) -> list[str]:
        named = {"train": "training_file", "test": "validation_file"}
        files = [f"{named[split]}={split}.id" for split in written.files]
        method, suffix = METHODS[written.shape.objective], written.shape.slug[:SUFFIX]
        return [*files, f"method={method}", f'suffix="{suffix}"', *self.arguments]


def grader() -> str:
    """A Python grader as the service takes it, JSON."""
    source = inspect.getsource(rft_grader)
    return json.dumps({"type": "python", "name": "headrace", "source": source}, indent=2) + "\n"
