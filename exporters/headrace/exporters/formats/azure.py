"""Azure OpenAI: the files of OpenAI; a task ends on what a user said."""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.exporters.formats import openai
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.openai_howto import Service
from headrace.exporters.row import Row

CHAT = msgspec.structs.replace(openai.CHAT, asks=("user",))
SERVICE = Service(
    name="Azure OpenAI",
    about=(
        "For OpenAI's models in Microsoft Foundry: `pip install openai`, and take endpoint and key "
        "from the resource. Models, methods and training types differ by region."
    ),
    client="""\
client = OpenAI(
    base_url=os.environ["AZURE_OPENAI_ENDPOINT"].rstrip("/") + "/openai/v1/",
    api_key=os.environ["AZURE_OPENAI_API_KEY"],
)""",
    imports=("os",),
    arguments=('extra_body={"trainingType": "GlobalStandard"}',),
    notes=(
        "`trainingType` is `GlobalStandard`, `Standard` (stays in its region) or `Developer`.",
        "Microsoft's pages ask for a byte-order mark at the start of a file; there is none, as "
        "OpenAI's own files have none. Should an upload be refused for it, put the bytes EF BB BF "
        "before the first line.",
    ),
    tasks=(
        "A job needs a validation file too: without a `test.jsonl` here, build with a holdout.",
        "A task has to end on what a user said; those that end on a tool's result are left out.",
        "Tools in tasks are a preview that Microsoft has to grant.",
    ),
)


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    return CHAT.records(row, lost)


def pages(written: Written) -> Mapping[str, str]:
    return SERVICE.pages(written)
